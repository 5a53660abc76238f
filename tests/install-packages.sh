#!/bin/sh
# Installs the missing Debian packages of a list, by default of those that the labs and tests need. The routers'
# daemons are run by the labs in namespaces of their own, so the host's copies are neither started nor enabled.
set -eu
list=${1:-$(dirname "$0")/debian-packages.txt}
missing=""
for package in $(cat "$list"); do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "Debian packages are missing:$missing. Install them, or run this as root." >&2
    exit 1
fi
echo "Installing Debian packages:$missing"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
if [ -d /run/systemd/system ]; then
    for service in frr bird openbgpd gobgpd; do
        case "$missing" in *" $service"*) systemctl disable --quiet "$service" || true ;; esac
    done
fi
