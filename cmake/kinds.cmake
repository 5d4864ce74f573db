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

# The formats of sources are the files of services/trigger/sources that have no header of their own:
# those with one serve several formats. `usgs_json.cpp` is the format `usgs-json`. The fuzz targets
# compile both.
file(GLOB formats CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/services/trigger/sources
     ${CMAKE_SOURCE_DIR}/services/trigger/sources/*.cpp)
set(TOCSIN_FORMATS)
set(TOCSIN_FORMAT_HELPERS)
foreach(format IN LISTS formats)
  get_filename_component(format ${format} NAME_WE)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/services/trigger/sources/${format}.hpp)
    list(APPEND TOCSIN_FORMATS ${format})
  else()
    list(APPEND TOCSIN_FORMAT_HELPERS ${format})
  endif()
endforeach()
list(TRANSFORM TOCSIN_FORMATS REPLACE "(.+)" "    X(\\1)" OUTPUT_VARIABLE TOCSIN_SOURCE_FORMATS)
list(JOIN TOCSIN_SOURCE_FORMATS " \\\n" TOCSIN_SOURCE_FORMATS)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gen/source_formats.inc @ONLY CONTENT
"// Made by cmake/kinds.cmake of the files that there are.
#define TOCSIN_SOURCE_FORMATS(X) \\
@TOCSIN_SOURCE_FORMATS@
")
