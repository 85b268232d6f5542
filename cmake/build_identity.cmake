cmake_minimum_required(VERSION 3.25)
# Writes HEADER with VERSION and the revision of the git checkout SOURCE:  cmake -D ... -P build_identity.cmake
# "+modified" says that sources differ from the revision; without git it is a release.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=10 HEAD
                OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(revision)
  execute_process(COMMAND git -C ${SOURCE} diff --quiet HEAD -- src cmake CMakeLists.txt
                  RESULT_VARIABLE modified ERROR_QUIET)
  if(modified)
    string(APPEND revision "+modified")
  endif()
else()
  set(revision release)
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define GEOLOOM_BUILD \"@VERSION@+@revision@\"\n" @ONLY)
