# Writes one source from several tests, each with its unnamed namespace named after its file, and says
# to the compiler where the lines come from:  cmake -D FOLDER= -D SOURCES=a,b -D BATCH= -P test_batch.cmake
cmake_minimum_required(VERSION 3.25)
string(REPLACE "," ";" SOURCES ${SOURCES})
file(WRITE ${BATCH} "// Generated: see cmake/batches.cmake.\n")
foreach(source ${SOURCES})
  file(READ ${FOLDER}/src/${source} text)
  string(MAKE_C_IDENTIFIER ${source} name)
  string(REPLACE "\nnamespace {\n" "\nnamespace in_${name} {\n" text "${text}")
  file(APPEND ${BATCH} "#line 1 \"src/${source}\"\n${text}")
endforeach()
