#!/bin/sh
# A base for the image, of Debian's packages alone: prints the path of a root file system as a tar, kept in the user's cache.
# MIRROR (environment) is where they come from; left out, debootstrap knows.
set -eu
suite=bookworm
packages=python3,nftables
architecture=$(dpkg --print-architecture)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bgpnet/base
made=$cache/$suite-$(cksum <"$0" | cut -d' ' -f1)-$architecture.tar
if [ ! -e "$made" ]; then
    echo "Making the image's base of Debian packages ($suite, $packages): about 2 minutes" >&2
    [ "$(id -u)" -eq 0 ] || { echo "debootstrap needs root; or give BASE, an image with Python 3.11, setpriv and nft" >&2; exit 1; }
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/.making.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
    debootstrap --variant=minbase --include="$packages" "$suite" "$work/root" ${MIRROR:+"$MIRROR"} >"$work/log" 2>&1 ||
        { tail -5 "$work/log" >&2; exit 1; }
    cd "$work/root"
    rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/* var/cache/debconf/* usr/share/doc/* usr/share/man/* \
        usr/share/info/* usr/share/locale/* usr/share/lintian
    find . -xdev \( -name __pycache__ -o -path ./dev/\* \) -prune -exec rm -rf {} +
    tar --sort=name --numeric-owner --one-file-system -cf "$work/base.tar" .
    mv "$work/base.tar" "$made"
fi
echo "$made"
