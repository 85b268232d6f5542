# Builds one page of web/ into the program: `entry` (TypeScript) is bundled with the packages of its
# lock file, put into `page` together with its style, and becomes the function `name` of a generated
# source, whose path is left in the variable `name`.
#
#   web_page(run_report_template report.tsx report.html geoloom::engine engine/run_report_template.h)
set(GEOLOOM_WEB_PACKAGES ${CMAKE_SOURCE_DIR}/.setup/web/node_modules
    CACHE PATH "Where setup/install.sh has put the packages of web/")

function(web_page name entry page namespace header)
  # The package brings a program of its own for each machine; the one called esbuild only looks for it.
  file(GLOB bundlers ${GEOLOOM_WEB_PACKAGES}/@esbuild/*/bin/esbuild)
  if(NOT bundlers)
    message(FATAL_ERROR "the packages of web/ are not in ${GEOLOOM_WEB_PACKAGES}: run setup/install.sh build")
  endif()
  list(GET bundlers 0 bundler)
  set(web ${CMAKE_SOURCE_DIR}/web)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/*)
  get_filename_component(stem ${entry} NAME_WE)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/web)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -E env NODE_PATH=${GEOLOOM_WEB_PACKAGES} ${bundler} ${web}/src/${entry}
            --bundle --minify --format=iife --target=es2022 --log-level=warning
            --tsconfig=${web}/tsconfig.json --outfile=${folder}/${stem}.js
    COMMAND ${CMAKE_COMMAND} -D PAGE=${web}/src/${page} -D SCRIPT=${folder}/${stem}.js -D STYLE=${folder}/${stem}.css
            -D NAME=${name} -D NAMESPACE=${namespace} -D HEADER=${header} -D SOURCE=${source}
            -P ${CMAKE_SOURCE_DIR}/cmake/embed_page.cmake
    DEPENDS ${sources} ${web}/tsconfig.json ${web}/package-lock.json ${CMAKE_SOURCE_DIR}/cmake/embed_page.cmake
    COMMENT "Page ${page}" VERBATIM)
  set(${name} ${source} PARENT_SCOPE)
endfunction()
