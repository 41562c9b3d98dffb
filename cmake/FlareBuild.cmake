# Compiler settings and the one function that makes a module's library.

find_program(FLARE_CCACHE ccache)
if(FLARE_CCACHE AND PROJECT_IS_TOP_LEVEL)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${FLARE_CCACHE})
endif()

if(FLARE_SANITIZE)
    add_compile_options(-fsanitize=${FLARE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${FLARE_SANITIZE})
    if(FLARE_SANITIZE MATCHES thread)
        add_compile_options(-Wno-tsan)  # Asio has fences, which g++ 12's TSan does not model
    endif()
endif()
# For directories of programs, which test the library or use it: outside of what is measured and shipped their own code is
# compiled as fast as can be, in less than half of the time. The library is compiled and checked in full.
option(FLARE_QUICK_PROGRAMS "Compile tests and programs without optimisation" OFF)
macro(flare_compile_quickly)
    if(FLARE_QUICK_PROGRAMS)
        add_compile_options(-O0)
        if(FLARE_SANITIZE MATCHES address)
            add_compile_options(-fno-sanitize=null,alignment,vptr)
        endif()
    endif()
endmacro()
if(FLARE_FUZZ)
    # clang 14 cannot compile a coroutine with the check of function types.
    add_compile_options(-fsanitize=fuzzer-no-link -fno-sanitize=function)
endif()

# What is shipped makes a bug in memory handling worth less to an attacker; packages are built the same way. FORTIFY wants
# optimisation, sanitizers bring checks of their own, and as a part of another project that project's flags count.
set(harden_by_default ${PROJECT_IS_TOP_LEVEL})
if(FLARE_SANITIZE OR FLARE_FUZZ)
    set(harden_by_default OFF)
endif()
option(FLARE_HARDEN "Optimized builds: stack protector, FORTIFY, full RELRO, control-flow protection" ${harden_by_default})
if(FLARE_HARDEN)
    set(optimized "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")
    set(flags -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
        list(APPEND flags -fcf-protection=full)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
        list(APPEND flags -mbranch-protection=standard)
    endif()
    add_compile_options("$<${optimized}:${flags}>")
    add_link_options("$<${optimized}:-Wl,-z,relro;-Wl,-z,now;-Wl,-z,noexecstack>")
    include(CheckPIESupported)  # programs are position-independent, whatever the compiler's default
    check_pie_supported(LANGUAGES CXX)
endif()

# Where it is, lld links: several times faster than ld. What is measured and shipped is linked by the compiler's own.
option(FLARE_LLD "Link with lld where there is one" OFF)
if(FLARE_LLD)
    include(CheckLinkerFlag)
    check_linker_flag(CXX -fuse-ld=lld FLARE_HAS_LLD)
    if(FLARE_HAS_LLD)
        add_link_options(-fuse-ld=lld)
    endif()
endif()

# The library checks its own state as it runs, and aborts where an invariant is broken: a bug of ours, never of a peer.
option(FLARE_INVARIANTS "Check the library's invariants as it runs" OFF)
if(FLARE_INVARIANTS)
    add_compile_definitions(FLARE_INVARIANTS=1)
endif()

# The headers of Asio and coroutines are most of what a source file costs to compile: sixteen files together cost little
# more than two. What is shipped has eight: in a larger unit less of the hot path is inlined. Off: every file alone, as a
# developer wants it who changes one.
option(FLARE_UNITY "Compile several source files together" OFF)
set(FLARE_UNITY_FILES 8 CACHE STRING "How many")
if(FLARE_UNITY)
    set(CMAKE_UNITY_BUILD ON)
    set(CMAKE_UNITY_BUILD_BATCH_SIZE ${FLARE_UNITY_FILES})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        add_compile_options(-Wno-subobject-linkage)  # a unit includes what is its own
    endif()
endif()

# Public names carry FLARE_EXPORT.
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

# Of who develops, and CI. Who only builds may have a compiler that warns of something else.
option(FLARE_WERROR "Warnings are errors" OFF)

add_library(flare_warnings INTERFACE)
if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(flare_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow)
    if(FLARE_WERROR)
        target_compile_options(flare_warnings INTERFACE -Werror)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
        # False alarms: GCC bug 105651, in operator+ of std::string; and in the inlined frame of an Asio coroutine.
        target_compile_options(flare_warnings INTERFACE -Wno-restrict -Wno-mismatched-new-delete)
        if(FLARE_SANITIZE)  # In std::regex and moved variants, with sanitizers only: GCC bug 105562.
            target_compile_options(flare_warnings INTERFACE -Wno-maybe-uninitialized)
        endif()
    endif()
endif()

# flare_module(NAME IN core|client|server LINK targets... [PRIVATE targets...]): src/NAME -> flare_NAME, a part of the
# library flare-core, flare-client or flare-server (FlareLibraries.cmake)
function(flare_module name)
    cmake_parse_arguments(arg "" "IN" "LINK;PRIVATE" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
    add_library(flare_${name} STATIC ${sources})
    target_include_directories(flare_${name}
        PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
        PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(flare_${name} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:flare_warnings>)
    if(arg_IN STREQUAL core)
        # The other two libraries call what is in here; cmake/flare-core.map.in keeps it from programs. Nobody replaces
        # any of it, so the compiler inlines as it does where all is hidden.
        set_target_properties(flare_${name} PROPERTIES CXX_VISIBILITY_PRESET default)
        target_compile_options(flare_${name} PRIVATE -fno-semantic-interposition)
    endif()
    set_property(GLOBAL APPEND PROPERTY flare_${arg_IN}_objects $<TARGET_OBJECTS:flare_${name}>)
endfunction()
