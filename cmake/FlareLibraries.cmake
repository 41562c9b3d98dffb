# The libraries that others link, shared (libflare-core.so, libflare-client.so, libflare-server.so) and static. A module
# is in exactly one of them (flare_module ... IN). Users name flare::client, flare::server, or flare::flare for both; and
# flare::client-static, flare::server-static, flare::static.
include(GNUInstallDirs)

set(flare_version ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(flare_libraries core client server)
# What each is built on, beside core.
set(flare_core_built_on OpenSSL::SSL OpenSSL::Crypto Boost::json Boost::url spdlog::spdlog PkgConfig::ngtcp2
    PkgConfig::zstd SQLite::SQLite3 ZLIB::ZLIB)
set(flare_client_built_on OpenSSL::Crypto spdlog::spdlog)
set(flare_server_built_on OpenSSL::Crypto Boost::json Boost::url spdlog::spdlog prometheus-cpp::core PkgConfig::utf8proc)

# Names that are not public are hidden: in client and server by the compiler (FLARE_EXPORT), in core by its map. The maps
# also keep out what the headers of others bring.
foreach(library ${flare_libraries})
    set(map ${PROJECT_BINARY_DIR}/flare-${library}.map)
    set(flare_map_private "")
    if(library STREQUAL core)
        configure_file(${CMAKE_CURRENT_LIST_DIR}/flare-core.map.in ${PROJECT_BINARY_DIR}/flare-private.map @ONLY)
        file(READ ${PROJECT_BINARY_DIR}/flare-private.map flare_map_private)
    endif()
    configure_file(${CMAKE_CURRENT_LIST_DIR}/flare.map.in ${map} @ONLY)

    get_property(objects GLOBAL PROPERTY flare_${library}_objects)
    add_library(flare_shared_${library} SHARED ${objects})
    target_link_options(flare_shared_${library} PRIVATE -Wl,--version-script=${map} -Wl,--as-needed)
    if(NOT FLARE_SANITIZE)
        target_link_options(flare_shared_${library} PRIVATE -Wl,--no-undefined)  # the sanitizers' names are the program's
    endif()
    set_target_properties(flare_shared_${library} PROPERTIES
        LINK_DEPENDS ${map}
        EXPORT_NAME ${library}
        VERSION ${PROJECT_VERSION}
        # Before 1.0 a minor version may break programs that were built with the one before; a patch does not.
        SOVERSION ${flare_version})

    add_library(flare_static_${library} STATIC ${objects})
    set_target_properties(flare_static_${library} PROPERTIES EXPORT_NAME ${library}-static)

    foreach(kind shared static)
        set(target flare_${kind}_${library})
        target_link_libraries(${target} PUBLIC Boost::headers Threads::Threads PRIVATE ${flare_${library}_built_on})
        if(NOT library STREQUAL core)
            target_link_libraries(${target} PUBLIC flare_${kind}_core)
        endif()
        target_compile_features(${target} PUBLIC cxx_std_20)
        target_include_directories(${target}
            PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
        set_target_properties(${target} PROPERTIES OUTPUT_NAME flare-${library} LINKER_LANGUAGE CXX
            EXCLUDE_FROM_ALL $<NOT:$<BOOL:${PROJECT_IS_TOP_LEVEL}>>)
    endforeach()
    add_library(flare::${library} ALIAS flare_shared_${library})
    add_library(flare::${library}-static ALIAS flare_static_${library})
endforeach()
# Calls within core go to core, whatever else has a function of that name. Data does not: the variable of Asio in the map
# is the program's.
target_link_options(flare_shared_core PRIVATE -Wl,-Bsymbolic-functions)

add_library(flare INTERFACE)
target_link_libraries(flare INTERFACE flare_shared_client flare_shared_server)
add_library(flare_static INTERFACE)
target_link_libraries(flare_static INTERFACE flare_static_client flare_static_server)
set_target_properties(flare_static PROPERTIES EXPORT_NAME static)
add_library(flare::flare ALIAS flare)
add_library(flare::static ALIAS flare_static)

add_custom_target(flare_libraries)
foreach(library ${flare_libraries})
    add_dependencies(flare_libraries flare_shared_${library} flare_static_${library})
endforeach()
