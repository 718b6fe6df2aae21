# The software bill of materials: SPDX 2.3 as JSON, written when the programs are linked.
# What they need is read from them, so a library that has no row here fails the build.
#
#   cmake -DVERSION= -DPROGRAMS=a;b -DREADELF= -DVERSIONS=openssl=3.0.15;... -DOUT= -P sbom.cmake
#
# Its only clock is SOURCE_DATE_EPOCH: the same sources and libraries make the same bytes.

# soname up to ".so" | package | licence | home
set(LIBRARIES
  "libwebsockets|libwebsockets|MIT|https://libwebsockets.org/"
  "libssl|openssl|Apache-2.0|https://www.openssl.org/"
  "libcrypto|openssl|Apache-2.0|https://www.openssl.org/"
  "libconfig|libconfig|LGPL-2.1-or-later|https://hyperrealm.github.io/libconfig/"
  "libcjson|cjson|MIT|https://github.com/DaveGamble/cJSON"
  "libreadline|readline|GPL-3.0-or-later|https://tiswww.case.edu/php/chet/readline/rltop.html"
  "libz|zlib|Zlib|https://zlib.net/"
  "libzstd|zstd|BSD-3-Clause OR GPL-2.0-only|https://facebook.github.io/zstd/"
  "libpng16|libpng|libpng-2.0|http://www.libpng.org/pub/png/libpng.html"
  "libwebp|libwebp|BSD-3-Clause|https://developers.google.com/speed/webp"
  "libwebpdemux|libwebp|BSD-3-Clause|https://developers.google.com/speed/webp"
  "libgif|giflib|MIT|https://giflib.sourceforge.net/"
  "libseccomp|libseccomp|LGPL-2.1-only|https://github.com/seccomp/libseccomp"
  "libcap|libcap|BSD-3-Clause OR GPL-2.0-only|https://sites.google.com/site/fullycapable/"
  "libc|glibc|LGPL-2.1-or-later|https://www.gnu.org/software/libc/"
  "libm|glibc|LGPL-2.1-or-later|https://www.gnu.org/software/libc/"
  "ld-linux.*|glibc|LGPL-2.1-or-later|https://www.gnu.org/software/libc/"
  "libgcc_s|gcc-runtime|GPL-3.0-or-later WITH GCC-exception-3.1|https://gcc.gnu.org/"
  "lib[a-z]+san|gcc-runtime|GPL-3.0-or-later WITH GCC-exception-3.1|https://gcc.gnu.org/")

set(CREATED "1970-01-01T00:00:00Z")
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  string(TIMESTAMP CREATED "%Y-%m-%dT%H:%M:%SZ" UTC) # CMake takes it from there
endif()

foreach(pair ${VERSIONS})
  string(REGEX MATCH "^([^=]+)=(.+)$" _ "${pair}")
  set(library "${CMAKE_MATCH_1}")
  # Debian's libwebsockets calls itself "4.1.6-".
  string(REGEX REPLACE "[^0-9A-Za-z]+$" "" VERSION_OF_${library} "${CMAKE_MATCH_2}")
endforeach()

# ---- what the programs need ----------------------------------------------------------

set(packages "") # "id|name|licence|home", once each
set(links "")    # "program|package"
foreach(program ${PROGRAMS})
  get_filename_component(name ${program} NAME)
  execute_process(COMMAND ${READELF} --wide -d ${program} OUTPUT_VARIABLE dynamic
    COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "\\(NEEDED\\)[^\n]*" needed "${dynamic}")
  if(NOT needed)
    message(FATAL_ERROR "${program} names no library that it needs")
  endif()
  foreach(line ${needed})
    string(REGEX MATCH ".(lib|ld)[^ ]*\\.so[.0-9]*" soname "${line}")
    string(SUBSTRING "${soname}" 1 -1 soname)
    set(found FALSE)
    foreach(row ${LIBRARIES})
      string(REPLACE "|" ";" row "${row}")
      list(GET row 0 stem)
      if("${soname}" MATCHES "^${stem}\\.so")
        list(SUBLIST row 1 3 row)
        list(GET row 0 package)
        list(JOIN row "|" row)
        list(APPEND packages "${row}")
        list(APPEND links "${name}|${package}")
        list(APPEND sonames_${package} "${soname}")
        set(found TRUE)
        break()
      endif()
    endforeach()
    if(NOT found)
      message(FATAL_ERROR "${name} needs \"${soname}\": conf/sbom.cmake has no row for it")
    endif()
  endforeach()
endforeach()
foreach(all packages links)
  list(REMOVE_DUPLICATES ${all})
  list(SORT ${all})
endforeach()

# ---- the document --------------------------------------------------------------------

set(body "")
set(sep "")
macro(add text)
  string(APPEND body "${sep}${text}")
  set(sep ",\n")
endmacro()

function(package_text out id name version licence home purpose more)
  set(${out} "    {\"SPDXID\": \"SPDXRef-${id}\", \"name\": \"${name}\", \"versionInfo\": \"${version}\",
     \"primaryPackagePurpose\": \"${purpose}\", \"downloadLocation\": \"${home}\", \"filesAnalyzed\": false,
     \"licenseConcluded\": \"${licence}\", \"licenseDeclared\": \"${licence}\", \"copyrightText\": \"NOASSERTION\"${more}}" PARENT_SCOPE)
endfunction()

package_text(text gwbot gwbot ${VERSION} GPL-3.0-or-later NOASSERTION APPLICATION "")
add("${text}")
set(relations "    {\"spdxElementId\": \"SPDXRef-DOCUMENT\", \"relationshipType\": \"DESCRIBES\", \"relatedSpdxElement\": \"SPDXRef-gwbot\"}")
foreach(program ${PROGRAMS})
  get_filename_component(name ${program} NAME)
  package_text(text program-${name} ${name} ${VERSION} GPL-3.0-or-later NOASSERTION APPLICATION "")
  add("${text}")
  string(APPEND relations ",\n    {\"spdxElementId\": \"SPDXRef-gwbot\", \"relationshipType\": \"CONTAINS\", \"relatedSpdxElement\": \"SPDXRef-program-${name}\"}")
endforeach()
foreach(row ${packages})
  string(REPLACE "|" ";" row "${row}")
  list(GET row 0 package)
  list(GET row 1 licence)
  list(GET row 2 home)
  if(NOT VERSION_OF_${package})
    message(FATAL_ERROR "no version of ${package} was given")
  endif()
  list(REMOVE_DUPLICATES sonames_${package})
  list(SORT sonames_${package})
  list(JOIN sonames_${package} " " sonames)
  package_text(text lib-${package} ${package} "${VERSION_OF_${package}}" "${licence}" "${home}" LIBRARY ",
     \"comment\": \"shared libraries: ${sonames}\",
     \"externalRefs\": [{\"referenceCategory\": \"PACKAGE-MANAGER\", \"referenceType\": \"purl\",
       \"referenceLocator\": \"pkg:generic/${package}@${VERSION_OF_${package}}\"}]")
  add("${text}")
endforeach()
foreach(link ${links})
  string(REPLACE "|" ";" link "${link}")
  list(GET link 0 name)
  list(GET link 1 package)
  string(APPEND relations ",\n    {\"spdxElementId\": \"SPDXRef-program-${name}\", \"relationshipType\": \"DYNAMIC_LINK\", \"relatedSpdxElement\": \"SPDXRef-lib-${package}\"}")
endforeach()

string(SHA256 digest "${CREATED}${body}${relations}")
string(SUBSTRING ${digest} 0 32 digest)
file(WRITE ${OUT} "{
  \"spdxVersion\": \"SPDX-2.3\",
  \"dataLicense\": \"CC0-1.0\",
  \"SPDXID\": \"SPDXRef-DOCUMENT\",
  \"name\": \"gwbot-${VERSION}\",
  \"documentNamespace\": \"https://spdx.org/spdxdocs/gwbot-${VERSION}-${digest}\",
  \"creationInfo\": {\"created\": \"${CREATED}\", \"creators\": [\"Tool: gwbot-conf-sbom.cmake\", \"Organization: gwbot maintainers\"]},
  \"documentDescribes\": [\"SPDXRef-gwbot\"],
  \"packages\": [
${body}
  ],
  \"relationships\": [
${relations}
  ]
}
")
