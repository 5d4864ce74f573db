# tocsin_unity(target): in a build with TOCSIN_UNITY the sources of `target` are compiled some at a
# time. Most of what a source costs is its headers and the templates that it has in common with
# others. What one file names for itself must therefore be unique in its target, but for the kinds
# of a table (a folder below the service's), which all have the same parts; each is compiled by
# itself, as is a `decider.cpp`, which is what changes most. The preset `dev` compiles every source
# by itself, and shows where one lacks an include.
set(TOCSIN_UNITY_BATCH 10)
set(TOCSIN_ALONE "/(channels|sources)/[a-z_]+\\.cpp$|/decider\\.cpp$")
function(tocsin_unity target)
  if(NOT TOCSIN_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  set(number 0)
  foreach(source IN LISTS sources)
    if(source MATCHES "${TOCSIN_ALONE}" OR NOT source MATCHES "\\.cpp$")
      continue()
    endif()
    get_source_file_property(planted ${source} TOCSIN_PLANTED)
    if(planted)
      set(group planted)
    else()
      math(EXPR group "${number} / ${TOCSIN_UNITY_BATCH}")
      math(EXPR number "${number} + 1")
    endif()
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
endfunction()

# tocsin_library(name deps...): the sources of services/<name> but main.cpp, as tocsin_<name>.
function(tocsin_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/services/${name}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set(dependencies)
  foreach(dependency IN LISTS ARGN)
    if(dependency MATCHES "^(protos|texts|content|runtime)$")
      list(APPEND dependencies tocsin_${dependency})
    else()
      list(APPEND dependencies ${dependency})
    endif()
  endforeach()
  if(sources)
    add_library(tocsin_${name} STATIC ${sources})
    target_link_libraries(tocsin_${name} PUBLIC tocsin_flags ${dependencies} fmt::fmt
                          Threads::Threads)
    tocsin_unity(tocsin_${name})
  else()
    add_library(tocsin_${name} INTERFACE)
    target_link_libraries(tocsin_${name} INTERFACE tocsin_flags ${dependencies} fmt::fmt)
  endif()
endfunction()

# tocsin_allocator(binary): an allocator that is faster than glibc's with several threads; a fold is
# a fifth faster with it. Not with sanitizers, which bring their own.
function(tocsin_allocator binary)
  if(NOT TOCSIN_SANITIZE)
    target_link_options(${binary} PRIVATE -Wl,--push-state,--no-as-needed
                        $<TARGET_FILE:mimalloc> -Wl,--pop-state)
  endif()
endfunction()

# tocsin_service(name deps...): library and binary `tocsin-<name>`.
function(tocsin_service name)
  tocsin_library(${name} content runtime ${ARGN})
  add_executable(tocsin-${name} ${CMAKE_SOURCE_DIR}/services/${name}/main.cpp)
  target_link_libraries(tocsin-${name} PRIVATE tocsin_${name})
  tocsin_allocator(tocsin-${name})
endfunction()

# tocsin_program(folder binary services...): a binary over several services' libraries.
function(tocsin_program folder binary)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/services/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${binary} ${sources})
  target_link_libraries(${binary} PRIVATE tocsin_runtime tocsin_content)
  tocsin_allocator(${binary})
  foreach(service IN LISTS ARGN)
    target_link_libraries(${binary} PRIVATE tocsin_${service})
  endforeach()
endfunction()
