# Generates C++ from every .proto; files named *_service.proto get gRPC stubs too.
find_program(PROTOC protoc REQUIRED)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
set(PROTO_ROOT ${CMAKE_SOURCE_DIR}/proto)
set(PROTO_GEN ${CMAKE_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${PROTO_GEN})
# Our own files, and the few of others that we carry (see third_party/googleapis/README.md).
set(VENDORED_PROTO_ROOT ${CMAKE_SOURCE_DIR}/third_party/googleapis)
file(GLOB_RECURSE PROTO_FILES CONFIGURE_DEPENDS RELATIVE ${PROTO_ROOT} ${PROTO_ROOT}/*.proto)
file(GLOB_RECURSE VENDORED_PROTO_FILES CONFIGURE_DEPENDS RELATIVE ${VENDORED_PROTO_ROOT}
     ${VENDORED_PROTO_ROOT}/*.proto)

set(PROTO_SOURCES)
set(PROTO_LINK_OPTIONS)
foreach(proto IN LISTS PROTO_FILES VENDORED_PROTO_FILES)
  set(root ${PROTO_ROOT})
  if(proto IN_LIST VENDORED_PROTO_FILES)
    set(root ${VENDORED_PROTO_ROOT})
  endif()
  string(REGEX REPLACE "\\.proto$" "" base ${proto})
  set(outputs ${PROTO_GEN}/${base}.pb.cc ${PROTO_GEN}/${base}.pb.h)
  set(grpc_arguments)
  if(base MATCHES "_service$")
    list(APPEND outputs ${PROTO_GEN}/${base}.grpc.pb.cc ${PROTO_GEN}/${base}.grpc.pb.h)
    set(grpc_arguments --grpc_out=${PROTO_GEN} --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN})
    # No code names the descriptor of a service, and without it there are no rules of its methods
    # and no reflection: this option makes the linker keep it.
    string(REPLACE "_" "_5f" symbol ${base})
    string(REPLACE "/" "_2f" symbol ${symbol})
    list(APPEND PROTO_LINK_OPTIONS "LINKER:--undefined=descriptor_table_${symbol}_2eproto")
  endif()
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND ${PROTOC} -I ${PROTO_ROOT} -I ${VENDORED_PROTO_ROOT} --cpp_out=${PROTO_GEN}
            ${grpc_arguments} ${proto}
    DEPENDS ${root}/${proto}
    WORKING_DIRECTORY ${PROTO_ROOT}
    VERBATIM)
  list(APPEND PROTO_SOURCES ${outputs})
endforeach()
# A change in one file can change what is generated for those that import it.
add_library(tocsin_protos STATIC ${PROTO_SOURCES})
target_include_directories(tocsin_protos SYSTEM PUBLIC ${PROTO_GEN})
target_link_options(tocsin_protos INTERFACE ${PROTO_LINK_OPTIONS})
# Generated code is most of what a clean build would optimise, and nothing that is ever stepped
# through. Stubs can be compiled at once, messages cannot: every file has the same static names.
target_compile_options(tocsin_protos PRIVATE -w)
if(CMAKE_BUILD_TYPE STREQUAL Release)
  target_compile_options(tocsin_protos PRIVATE -O1 -g0)
endif()
if(TOCSIN_UNITY)
  set_target_properties(tocsin_protos PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(source IN LISTS PROTO_SOURCES)
    if(source MATCHES "\\.grpc\\.pb\\.cc$")
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP stubs)
    endif()
  endforeach()
endif()
target_link_libraries(tocsin_protos PUBLIC gRPC::grpc++ gRPC::grpc++_reflection
                      protobuf::libprotobuf absl::synchronization)
