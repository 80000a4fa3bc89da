#!/usr/bin/env bash
# Fetches public data sets into a folder; qntk ships none of them.
#
#   data/fetch.sh mnist [DIRECTORY]   the 70,000 digits, four .gz files (12 MB)
#   data/fetch.sh uci [DIRECTORY]     the 121 sets of the UCI comparison with their splits (195 MB)
#
# DIRECTORY is ./mnist or ./uci unless given. What is there already is kept; a file appears whole or not at all.
# Exit status 0: all is there; 1: something could not be fetched or is not what it should be; 2: wrong usage.
set -u -o pipefail

usage='usage: data/fetch.sh mnist|uci [DIRECTORY]'
mnist=https://ossci-datasets.s3.amazonaws.com/mnist
uci=http://persoal.citius.usc.es/manuel.fernandez.delgado/papers/jmlr/data.tar.gz

give_up() { echo "fetch.sh: $1" >&2; exit 1; }

# MD5 of the files as they are published.
mnist_sums='f68b3c2dcbeaaa9fbdd348bbdeb94873 train-images-idx3-ubyte.gz
d53e105ee54ea40749a09fcbcd1e9432 train-labels-idx1-ubyte.gz
9fb629c4189551a2d022fa330f9573f3 t10k-images-idx3-ubyte.gz
ec29112dd5afa0611ce80d1b7f02629c t10k-labels-idx1-ubyte.gz'

download() { # address file
    if command -v curl >/dev/null; then
        curl --fail --location --silent --show-error --retry 3 --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --tries=3 --output-document="$2" "$1"
    else
        give_up 'neither curl nor wget is installed; as root, run: apt-get install curl'
    fi
}

fetch_mnist() { # directory
    local sum name
    while read -r sum name; do
        [ -e "$1/$name" ] && { echo "$1/$name is there"; continue; }
        echo "fetching $mnist/$name"
        download "$mnist/$name" "$partial" || give_up "could not fetch $mnist/$name"
        echo "$sum  $partial" | md5sum --check --status ||
            give_up "$name: expected MD5 $sum, found $(md5sum <"$partial" | cut -d ' ' -f 1)"
        mv -- "$partial" "$1/$name" || exit 1
    done <<<"$mnist_sums"
}

fetch_uci() { # directory
    local unpacked=$1/.unpacking
    if compgen -G "$1/*/conxuntos*.dat" >/dev/null; then
        echo "$1 has data sets already"
        return
    fi
    echo "fetching $uci"
    download "$uci" "$partial" || give_up "could not fetch $uci"
    rm -rf -- "$unpacked" && mkdir -- "$unpacked" || exit 1
    tar -xzf "$partial" -C "$unpacked" || give_up "$uci: not the archive it should be"
    # one folder a set, wherever in the archive they are
    find "$unpacked" -name 'conxuntos*.dat' -printf '%h\0' | sort -zu |
        while IFS= read -r -d '' set; do mv -- "$set" "$1/"; done
    rm -rf -- "$unpacked"
    echo "$(find "$1" -name 'conxuntos*.dat' -printf '%h\n' | sort -u | wc -l) data sets in $1"
}

case "${1-}" in
    mnist | uci) ;;
    --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "fetch.sh: expected mnist or uci; $usage" >&2; exit 2 ;;
esac
[ $# -le 2 ] || { echo "fetch.sh: two arguments at most; $usage" >&2; exit 2; }
directory=${2-$1}
mkdir -p -- "$directory" || exit 1
partial=$directory/.fetch.$$
trap 'rm -f -- "$partial"' EXIT
"fetch_$1" "$directory"
