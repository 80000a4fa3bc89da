#!/bin/sh
# exports.sh HEADER... prints the linker's version script of the shared library: what the public headers declare is
# visible, everything else is the library's own business.
set -eu
cat -- "$@" | awk '
    { while (match($0, /qntk_[a-z0-9_]+[([]/)) { print substr($0, RSTART, RLENGTH - 1); $0 = substr($0, RSTART + RLENGTH) } }
' | sort -u | awk '
    BEGIN { print "{\n  global:" }
    { print "    " $0 ";" }
    END { print "  local: *;\n};" }'
