# The library that others link, which is all modules in one, shared (flare::flare) and static (flare::static), and what
# cmake --install puts beside it: headers, find_package(flare), pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY flare_modules)
foreach(module ${modules})
    list(APPEND flare_objects $<TARGET_OBJECTS:flare_${module}>)
endforeach()

# Names that are not public are hidden by the compiler (FLARE_EXPORT); the map keeps out what the headers of others bring.
add_library(flare SHARED ${flare_objects})
set(flare_map ${PROJECT_BINARY_DIR}/flare.map)
configure_file(${CMAKE_CURRENT_LIST_DIR}/flare.map.in ${flare_map} @ONLY)
target_link_options(flare PRIVATE -Wl,--version-script=${flare_map} -Wl,--as-needed)
if(NOT FLARE_SANITIZE)
    target_link_options(flare PRIVATE -Wl,--no-undefined)  # the sanitizers' names are the program's
endif()
set_target_properties(flare PROPERTIES
    LINK_DEPENDS ${flare_map}
    VERSION ${PROJECT_VERSION}
    # Before 1.0 a minor version may break programs that were built with the one before; a patch does not.
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

add_library(flare_static STATIC ${flare_objects})
set_target_properties(flare_static PROPERTIES OUTPUT_NAME flare EXPORT_NAME static)

set(flare_built_on OpenSSL::SSL OpenSSL::Crypto Boost::json Boost::url spdlog::spdlog prometheus-cpp::core
    PkgConfig::ngtcp2 PkgConfig::zstd ZLIB::ZLIB)
target_link_libraries(flare PRIVATE ${flare_built_on})
target_link_libraries(flare_static PRIVATE ${flare_built_on})
foreach(library flare flare_static)
    target_link_libraries(${library} PUBLIC Boost::headers Threads::Threads)
    target_compile_features(${library} PUBLIC cxx_std_20)
    target_include_directories(${library}
        PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX EXCLUDE_FROM_ALL $<NOT:$<BOOL:${PROJECT_IS_TOP_LEVEL}>>)
endforeach()
add_library(flare::flare ALIAS flare)
add_library(flare::static ALIAS flare_static)

if(NOT PROJECT_IS_TOP_LEVEL)
    return()  # a part of another project, which installs what it likes
endif()

set(flare_config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/flare)
install(TARGETS flare EXPORT flare-shared
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS flare_static EXPORT flare-static
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
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
# What flare_built_on is to a linker, for pkg-config.
set(flare_link_names "-lssl -lcrypto -lboost_json -lboost_url -lspdlog -lfmt -lprometheus-cpp-core -lngtcp2_crypto_gnutls -lngtcp2 -lgnutls -lzstd -lz")
file(RELATIVE_PATH flare_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(name flare flare-static)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()
