# What cmake --install puts beside the libraries: headers, find_package(flare), pkg-config.
if(NOT PROJECT_IS_TOP_LEVEL)
    return()  # a part of another project, which installs what it likes
endif()
include(CMakePackageConfigHelpers)

set(flare_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/flare)
foreach(library ${flare_libraries})
    install(TARGETS flare_shared_${library} EXPORT flare-shared
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${library} NAMELINK_COMPONENT development)
    install(TARGETS flare_static_${library} EXPORT flare-static
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
endforeach()
install(TARGETS flare EXPORT flare-shared)
install(TARGETS flare_static EXPORT flare-static)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/flare DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
foreach(kind shared static)
    install(EXPORT flare-${kind} FILE flare-${kind}-targets.cmake NAMESPACE flare:: DESTINATION ${flare_config_dir}
        COMPONENT development)
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/flare-config.cmake.in ${PROJECT_BINARY_DIR}/flare-config.cmake
    INSTALL_DESTINATION ${flare_config_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/flare-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/flare-config.cmake ${PROJECT_BINARY_DIR}/flare-config-version.cmake
    DESTINATION ${flare_config_dir} COMPONENT development)

# flare_pkg_config(NAME WHAT [REQUIRES names...] [LIBS "..."] [PRIVATE "..."])
file(RELATIVE_PATH flare_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
function(flare_pkg_config pc_name pc_what)
    cmake_parse_arguments(arg "" "LIBS;PRIVATE" "REQUIRES" ${ARGN})
    list(JOIN arg_REQUIRES " " arg_REQUIRES)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/flare.pc.in ${PROJECT_BINARY_DIR}/${pc_name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endfunction()
# What flare_..._built_on is to a linker.
set(core_links "-lssl -lcrypto -lboost_json -lboost_url -lspdlog -lfmt -lngtcp2_crypto_gnutls -lngtcp2 -lgnutls -lsqlite3 -lzstd -lz")
set(server_links "-lprometheus-cpp-core -lutf8proc")
set(archive "\${libdir}/libflare-")
flare_pkg_config(flare-core "what client and server have in common" LIBS "-L\${libdir} -lflare-core" PRIVATE "${core_links}")
flare_pkg_config(flare-client "the client" REQUIRES flare-core LIBS "-L\${libdir} -lflare-client")
flare_pkg_config(flare-server "the server" REQUIRES flare-core LIBS "-L\${libdir} -lflare-server" PRIVATE "${server_links}")
flare_pkg_config(flare "client and server" REQUIRES flare-client flare-server)
flare_pkg_config(flare-client-static "the client, linked statically"
    LIBS "${archive}client.a ${archive}core.a ${core_links}")
flare_pkg_config(flare-static "client and server, linked statically"
    LIBS "${archive}client.a ${archive}server.a ${archive}core.a ${server_links} ${core_links}")
