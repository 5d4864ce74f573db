# The kinds of channels are the files of services/publishing/channels, but for those with a `_` in
# their name, which belong to one; each has its pure part, with its traits, under the same name in
# services/content/channels. The tables of both halves are made of this list.
file(GLOB kinds CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/services/publishing/channels
     ${CMAKE_SOURCE_DIR}/services/publishing/channels/*.cpp)
file(GLOB pure CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/services/content/channels
     ${CMAKE_SOURCE_DIR}/services/content/channels/*.cpp)
list(FILTER kinds EXCLUDE REGEX "_")
list(FILTER pure EXCLUDE REGEX "_")
foreach(kind IN LISTS kinds pure)
  foreach(half publishing content)
    if(NOT EXISTS ${CMAKE_SOURCE_DIR}/services/${half}/channels/${kind})
      message(FATAL_ERROR "services/${half}/channels/${kind} is missing: a kind of channel has a \
file of that name in content (its text and traits) and in publishing (its wire part)")
    endif()
  endforeach()
endforeach()
list(TRANSFORM kinds REPLACE "(.+)\\.cpp" "    X(\\1)")
list(JOIN kinds " \\\n" TOCSIN_CHANNEL_KINDS)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/gen)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gen/channel_kinds.inc @ONLY CONTENT
"// Made by cmake/kinds.cmake of the files that there are.
#define TOCSIN_CHANNEL_KINDS(X) \\
@TOCSIN_CHANNEL_KINDS@
")
