#!/usr/bin/env bash
# What is installed is complete and can be used: installs into a directory of its own, then builds and runs a program
# against it through pkg-config.
#
#   test_install.sh BUILD SOURCE VERSION LIBRARIES MESON CC...    LIBRARIES: static, shared or both
set -u -o pipefail
build=$1 source=$2 version=$3 libraries=$4 meson=$5
shift 5

passed=0 failed=0
directory=$(mktemp -d) || exit 1
trap 'rm -rf -- "$directory"' EXIT
root=$directory/root

check() { # what command..
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  %s\n%s\n' "$what" "$*" "$output"
    fi
}
same() { [ "$1" = "$2" ] || { printf 'expected:\n%s\nfound:\n%s\n' "$1" "$2"; false; }; }
without() { ! grep -rIlF -e "$1" -e "$2" "$3"; } # neither text in any text file
names() { find "$@" -exec basename {} \; 2>/dev/null | sort; } # the base names of what find finds

check 'meson install' "$meson" install -C "$build" --no-rebuild --destdir "$root"
pc=$(find "$root" -name qntk.pc)
prefix=$root$(sed -n 's/^prefix=//p' "$pc")
libdir=$(dirname -- "$(dirname -- "$pc")")

# Everything the source has is installed.
check 'all headers' same "$(names "$source/include/qntk" -name '*.h')" "$(names "$prefix/include/qntk" -type f)"
check 'all manual pages' same "$(names "$source/man" -name '*.1')" "$(names "$prefix/share/man/man1" -type f)"
check 'all plot scripts' same "$(names "$source/plots" -name '*.gp')" "$(names "$prefix/share/qntk/plots" -type f)"
check 'all programs' same "$(names "$build/tools" -maxdepth 1 -type f -perm -u+x)" "$(names "$prefix/bin" -type f)"
for program in $(names "$prefix/bin" -type f); do
    check "$program: its version" same "$program (qntk) $version" "$("$prefix/bin/$program" --version 2>&1 | head -n 1)"
    check "$program: its manual page" test -f "$prefix/share/man/man1/$program.1"
done

# Nothing that is installed as text knows where it was built.
check 'no path of the build' without "$build" "$source" "$root"

# The first lines a user writes. By hand, |x|^2 = d: Sigma = T = 2 after the first layer, M = 1 and Mdot = 1/2 after the
# ReLU, so that the tangent kernel of one hidden layer is M + Mdot T = 2.
expected="$version 2.000"
cat >"$directory/user.c" <<'END'
#include <stdio.h>
#include <qntk/qntk.h>

int main(void)
{
    qntk_kernel kernel;
    if (qntk_kernel_parse("ntk:depth=1", &kernel) != QNTK_OK)
        return fprintf(stderr, "%s\n", qntk_message()), 1;
    const double row[2] = {1, 1}, value = qntk_kernel_pair(&kernel, 2, row, row);
    return printf("%s %.3f\n", qntk_version(), value) < 0;
}
END
export PKG_CONFIG_PATH=$libdir/pkgconfig
flags() { pkg-config --define-variable=prefix="$prefix" --define-variable=libdir="$libdir" "$@" qntk; }
check 'pkg-config: the version' same "$version" "$(pkg-config --modversion qntk)"
read -r -a cflags < <(flags --cflags)

# Header by header, as C and C++ see them.
for header in $(names "$prefix/include/qntk" -name '*.h'); do
    echo "#include <qntk/$header>" >"$directory/include.c"
    check "$header alone" "$@" -std=c17 -Wall -Wextra -Wpedantic -Werror "${cflags[@]}" -fsyntax-only "$directory/include.c"
    check "$header in C++" "$@" -x c++ -std=c++17 -Wall -Wextra -Werror "${cflags[@]}" -fsyntax-only "$directory/include.c"
done

if [ "$libraries" != static ]; then
    read -r -a libs < <(flags --libs)
    check 'link with the shared library' "$@" "${cflags[@]}" "$directory/user.c" -o "$directory/shared" "${libs[@]}"
    check 'run with the shared library' same "$expected" "$(LD_LIBRARY_PATH=$libdir "$directory/shared")"
    exported=$(nm -D --defined-only "$libdir/libqntk.so" | awk '{ print $3 }' | sort)
    declared=$(cat "$prefix"/include/qntk/*.h | grep -oE 'qntk_[a-z0-9_]+[([]' | tr -d '([' | sort -u)
    check 'nothing exported that no header declares' same '' "$(comm -23 <(echo "$exported") <(echo "$declared"))"
    check 'something is exported' grep -qx qntk_kernel_parse <<<"$exported"
fi
if [ "$libraries" != shared ]; then
    read -r -a libs < <(flags --libs --static)
    check 'link with the static library' "$@" "${cflags[@]}" "$directory/user.c" -o "$directory/static" \
        "${libs[@]/#-lqntk/$libdir/libqntk.a}"
    check 'run with the static library' same "$expected" "$("$directory/static")"
fi

echo "install: $passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
