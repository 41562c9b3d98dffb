# The tool's share of cmake --install, and Debian packages (scripts/package.sh): libflare-core0.1, libflare-client0.1,
# libflare-server0.1, libflare-dev, flare-tools.
set(flare_etc ${CMAKE_INSTALL_FULL_SYSCONFDIR}/flare)
set(flare_etc_destination ${CMAKE_INSTALL_SYSCONFDIR}/flare)
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
    set(flare_etc_destination ${flare_etc})  # whose configuration is not below it
endif()

# ---- the tool and what belongs to it ----

if(TARGET flare_tool)
    install(TARGETS flare_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
    configure_file(${PROJECT_SOURCE_DIR}/packaging/flare-server.service.in ${PROJECT_BINARY_DIR}/flare-server.service @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/flare-server.service DESTINATION lib/systemd/system COMPONENT tools)
    install(FILES ${PROJECT_SOURCE_DIR}/packaging/flare.sysusers.conf DESTINATION lib/sysusers.d RENAME flare.conf COMPONENT tools)
    install(FILES ${PROJECT_SOURCE_DIR}/packaging/server.toml DESTINATION ${flare_etc_destination} COMPONENT tools OPTIONAL)
endif()
if(TARGET flare_man)
    set(flare_extras ${PROJECT_BINARY_DIR}/tool-extras)
    add_custom_command(OUTPUT ${flare_extras}/done
        COMMAND ${PROJECT_SOURCE_DIR}/packaging/stage_extras.sh $<TARGET_FILE:flare_tool> ${PROJECT_BINARY_DIR}/man ${flare_extras}
        DEPENDS flare_tool flare_man ${PROJECT_SOURCE_DIR}/packaging/stage_extras.sh
        VERBATIM)
    add_custom_target(flare_extras ALL DEPENDS ${flare_extras}/done)
    install(DIRECTORY ${flare_extras}/share/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR} COMPONENT tools)
    # What programs in other languages, and operators, are made from.
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/proto DESTINATION ${CMAKE_INSTALL_DATADIR}/flare COMPONENT tools
        FILES_MATCHING PATTERN *.proto)
    install(FILES ${PROJECT_SOURCE_DIR}/docs/openapi.yaml ${PROJECT_SOURCE_DIR}/docs/grafana-dashboard.json
        DESTINATION ${CMAKE_INSTALL_DATADIR}/flare COMPONENT tools)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/backends ${PROJECT_SOURCE_DIR}/packaging/compose
        ${PROJECT_SOURCE_DIR}/packaging/kubernetes DESTINATION ${CMAKE_INSTALL_DATADIR}/flare/examples COMPONENT tools)
endif()

# ---- the packages ----

# As Debian numbers them; a package for a later release is newer.
set(flare_os_release "")
if(EXISTS /etc/os-release)
    file(READ /etc/os-release flare_os_release)
endif()
string(REGEX MATCH "VERSION_ID=\"?([0-9]+)" matched "${flare_os_release}")
set(CPACK_DEBIAN_PACKAGE_RELEASE 1+deb${CMAKE_MATCH_1})
set(CPACK_PACKAGE_NAME flare)
set(CPACK_PACKAGE_VENDOR Flare)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own
set(flare_maintainer "Flare maintainers <root@localhost>")
if(DEFINED ENV{DEBEMAIL})  # as Debian's own tools know who builds
    set(flare_maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
set(FLARE_PACKAGE_MAINTAINER ${flare_maintainer} CACHE STRING "Whom the Debian packages name as maintainer")
set(CPACK_PACKAGE_CONTACT ${FLARE_PACKAGE_MAINTAINER})
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL ${flare_libraries} development tools)
set(CPACK_SET_DESTDIR ON)  # /etc is not below the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})  # where libflare-core.so is, which the others need
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(flare_about "A client and a server library in which a session outlives its connection:
clients reach the server over WebSocket or QUIC, move between the two in
mid-conversation, and lose, repeat or reorder no message.

This package holds")
set(flare_this_version "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
# Client and server are bound to the core of their very version: they call what is not public in it.
set(flare_core_package libflare-core${flare_version})
foreach(library ${flare_libraries})
    string(TOUPPER ${library} component)
    set(CPACK_DEBIAN_${component}_PACKAGE_NAME libflare-${library}${flare_version})
    set(CPACK_DEBIAN_${component}_PACKAGE_SECTION libs)
    set(CPACK_DEBIAN_${component}_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_${component}_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/triggers)
    list(APPEND flare_library_packages "libflare-${library}${flare_version} ${flare_this_version}")
    if(NOT library STREQUAL core)
        set(CPACK_DEBIAN_${component}_PACKAGE_DEPENDS "${flare_core_package} ${flare_this_version}")
    endif()
endforeach()
list(JOIN flare_library_packages ", " flare_library_packages)
set(CPACK_COMPONENT_CORE_DESCRIPTION "instant-messaging connection framework (common library)
${flare_about} what the client and the server library have in common.")
set(CPACK_COMPONENT_CLIENT_DESCRIPTION "instant-messaging connection framework (client library)
${flare_about} the shared library for clients.")
set(CPACK_COMPONENT_SERVER_DESCRIPTION "instant-messaging connection framework (server library)
${flare_about} the shared library for servers.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libflare-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${flare_library_packages}, libboost${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR}-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "libboost-json${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR}-dev, libboost-url${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR}-dev, libgnutls28-dev, libngtcp2-crypto-gnutls-dev, libngtcp2-dev, libspdlog-dev, libsqlite3-dev, libssl-dev, libutf8proc-dev, libzstd-dev, pkg-config, prometheus-cpp-dev, zlib1g-dev")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "instant-messaging connection framework (development)
${flare_about} the headers, the static libraries, and what
CMake and pkg-config want to know.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME flare-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "instant-messaging server and tools
The flare command: a server that is ready to run, a client for people and
scripts, and what measures and explains connections.

It comes with a systemd unit, flare-server, which is not started by itself,
and its configuration, /etc/flare/server.toml.")
set(flare_control ${PROJECT_BINARY_DIR}/debian)
file(MAKE_DIRECTORY ${flare_control})
file(CONFIGURE OUTPUT ${flare_control}/conffiles CONTENT "${flare_etc}/server.toml\n")
set(CPACK_DEBIAN_TOOLS_PACKAGE_CONTROL_EXTRA ${flare_control}/conffiles)
foreach(script postinst prerm postrm)
    list(APPEND CPACK_DEBIAN_TOOLS_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/${script})
endforeach()

# Each package says whose it is and what has changed.
string(TIMESTAMP flare_today "%a, %d %b %Y 00:00:00 +0000" UTC)
configure_file(${PROJECT_SOURCE_DIR}/packaging/debian/changelog.in ${flare_control}/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nkf ${flare_control}/changelog.Debian COMMAND_ERROR_IS_FATAL ANY)
foreach(name ${CPACK_COMPONENTS_ALL})
    string(TOUPPER ${name} component)
    install(FILES ${PROJECT_SOURCE_DIR}/packaging/debian/copyright ${flare_control}/changelog.Debian.gz
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${CPACK_DEBIAN_${component}_PACKAGE_NAME} COMPONENT ${name})
endforeach()
include(CPack)
