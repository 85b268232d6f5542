# Flags every target gets. -ffp-contract=off is part of the promise of equal bytes: a fused
# multiply-add rounds once where two operations round twice, and not every CPU has it.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                    -Wcast-qual -Wconversion -Wno-sign-conversion
                    # A copy of what has a destructor of its own.
                    -Wdeprecated-copy-dtor
                    # Designated initialisers that name some members are meant as they stand.
                    -Wno-missing-field-initializers
                    # GCC 12 warns of std::string's own memcpy (its bug 105329).
                    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -ffp-contract=off)
if(GEOLOOM_BATCHED AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Included in a batch, a source looks like a header, whose classes had better not hold unnamed types.
  add_compile_options(-Wno-subobject-linkage)
endif()
# Warnings of GCC are kept at zero; another compiler's are for reading.
if(GEOLOOM_WERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Werror)
endif()
if(GEOLOOM_SANITIZE)
  add_compile_options(-fsanitize=${GEOLOOM_SANITIZE} -fno-omit-frame-pointer
                      # A third of the build time of -O2 -g, and traces still name lines.
                      -Og -g1)
  add_link_options(-fsanitize=${GEOLOOM_SANITIZE})
  # GCC warns of its own checks in code of the standard library; builds without sanitizers keep the warning.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  if(GEOLOOM_SANITIZE MATCHES "thread")
    # Asio has fences, which the thread sanitizer does not follow; beside them it takes locks, which it does.
    add_compile_options(-Wno-tsan)
  endif()
  if(GEOLOOM_SANITIZE MATCHES "undefined")
    # Null pointers are found by the crash that ASan reports, objects that are too small by ASan itself; to
    # check each access for them as well takes a tenth of the build.
    add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=null,object-size)
  endif()
endif()
find_program(CCACHE ccache)
if(CCACHE)
  # What ccache asks for before it caches what uses precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()
