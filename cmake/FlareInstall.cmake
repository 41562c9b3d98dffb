# cmake --install, and find_package(flare) for those who use it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS flare_base flare_wire flare_auth flare_racing flare_session flare_transport flare_client flare_server EXPORT flare-targets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/flare DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT flare-targets NAMESPACE flare:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/flare)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/flare-config.cmake.in ${PROJECT_BINARY_DIR}/flare-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/flare)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/flare-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/flare-config.cmake ${PROJECT_BINARY_DIR}/flare-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/flare)
