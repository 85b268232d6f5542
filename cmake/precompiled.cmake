# What nearly all sources include is compiled once: half of the build's time was spent on it. A source
# still includes what it uses; builds without this (other compilers, the preset tsan, the lint) fail where it does not.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND GEOLOOM_PRECOMPILED)
  # For ccache to see through it, see its manual on precompiled headers.
  add_compile_options(-fpch-preprocess
                      # GCC 12 forgets with them where it was told to keep quiet about its own headers;
                      # builds without them keep these warnings.
                      -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  set(GEOLOOM_PRECOMPILING ON)
endif()

# `header` is compiled for `owner`, which other targets then share. Written <so>, no path of the checkout
# gets into what is compiled, and ccache knows it again in another checkout.
function(geoloom_precompile owner header)
  if(GEOLOOM_PRECOMPILING)
    target_precompile_headers(${owner} PRIVATE ${header})
  endif()
endfunction()

function(geoloom_use_precompiled target owner)
  if(GEOLOOM_PRECOMPILING AND TARGET ${owner} AND NOT target STREQUAL owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
