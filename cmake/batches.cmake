# Sources are compiled several at a time: what each would parse and instantiate for itself (JSON, GDAL's
# handles, GoogleTest's matchers) is then done once for all of a batch. A module compiles in half to a third of the time.
# The lint builds without it, and fails where a source leans on another's includes.
#
# In a batch unnamed namespaces are one. Names in them must differ among the sources of a module; those of
# tests need not, since their copy in a batch has them in a namespace named after the file.
set(GEOLOOM_BATCH_SIZE 8)

# geoloom_batches(RESULT target [TESTS] [OWN_NAMES name ...] SOURCES ...): what to compile in place of SOURCES.
# OWN_NAMES are those that each of the sources may have in its unnamed namespace.
function(geoloom_batches result target)
  cmake_parse_arguments(B "TESTS" "" "OWN_NAMES;SOURCES" ${ARGN})
  if(NOT GEOLOOM_BATCHED)
    set(${result} ${B_SOURCES} PARENT_SCOPE)
    return()
  endif()
  set(compiled "")
  set(batch "")
  set(number 1)
  foreach(source ${B_SOURCES})
    geoloom_compiles_alone(alone ${source})
    if(alone)
      list(APPEND compiled ${source})
      continue()
    endif()
    list(APPEND batch ${source})
    list(LENGTH batch length)
    if(length EQUAL GEOLOOM_BATCH_SIZE)
      geoloom_write_batch(file ${target}_${number} "${B_TESTS}" "${B_OWN_NAMES}" ${batch})
      list(APPEND compiled ${file})
      set(batch "")
      math(EXPR number "${number} + 1")
    endif()
  endforeach()
  list(LENGTH batch length)
  if(length GREATER 1)
    geoloom_write_batch(batch ${target}_${number} "${B_TESTS}" "${B_OWN_NAMES}" ${batch})
  endif()
  list(APPEND compiled ${batch})
  set(${result} ${compiled} PARENT_SCOPE)
endfunction()

# Generated sources, and those that Highway includes again for each CPU target.
function(geoloom_compiles_alone result source)
  if(IS_ABSOLUTE ${source})
    set(${result} YES PARENT_SCOPE)
    return()
  endif()
  file(STRINGS ${source} again REGEX "foreach_target.h" LIMIT_COUNT 1)
  set(${result} "${again}" PARENT_SCOPE)
endfunction()

function(geoloom_write_batch result name is_test own_names)
  set(batch ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  # Named from the checkout: what one checkout compiled, the cache knows again in another.
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  list(TRANSFORM ARGN PREPEND ${folder}/ OUTPUT_VARIABLE sources)
  if(is_test)
    list(TRANSFORM sources PREPEND ${CMAKE_SOURCE_DIR}/src/ OUTPUT_VARIABLE files)
    list(JOIN sources "," names)
    add_custom_command(OUTPUT ${batch}
      COMMAND ${CMAKE_COMMAND} -D FOLDER=${CMAKE_SOURCE_DIR} -D SOURCES=${names} -D BATCH=${batch}
              -P ${CMAKE_SOURCE_DIR}/cmake/test_batch.cmake
      DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/test_batch.cmake VERBATIM)
  else()
    set(text "// Generated: see cmake/batches.cmake.\n")
    foreach(source ${sources})
      string(MAKE_C_IDENTIFIER ${source} suffix)
      foreach(name ${own_names})
        string(APPEND text "#undef ${name}\n#define ${name} ${name}_${suffix}\n")
      endforeach()
      string(APPEND text "#include \"${source}\"\n")
    endforeach()
    file(CONFIGURE OUTPUT ${batch} CONTENT "${text}" @ONLY)
  endif()
  set(${result} ${batch} PARENT_SCOPE)
endfunction()
