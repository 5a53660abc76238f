# Makes the file system of a node around itself and becomes its PID 1: machine.sh NAME DISK STORE FIRST FOLDER…
#
# Runs as PID 1 of fresh mount, PID, UTS, IPC and cgroup namespaces, in the node's network namespace. The node sees
# the host's files through an overlay: what it writes is below DISK/upper, which outlives it as a disk does. STORE is
# for what an overlay cannot hold: containerd's own overlays. FIRST is the program that stays. FOLDERs have
# programs; they are seen wherever they are: also below /tmp, or on a file system of their own.
set -eu
name=$1 disk=$2 store=$3 first=$4
shift 4
root=$disk/root
hierarchies=$(sed -n 's/^[^ ]* [^ ]* cgroup \([^ ]*\).*/\1/p' /proc/mounts)
mount --make-rprivate /
mkdir -p "$disk/root" "$disk/upper" "$disk/work"
mount -t overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" overlay "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir "$root/run/lock" "$root/run/netns"
for own in containerd kubelet; do
    mkdir -p "$store/$own" "$root/var/lib/$own"
    mount --bind "$store/$own" "$root/var/lib/$own"
done
for folder in "$@" "$(dirname "$first")"; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
done
cd "$root"
mkdir old-root
pivot_root . old-root
umount -l old-root
rmdir old-root
mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
for place in $hierarchies; do
    hierarchy=${place##*/}
    mkdir "/sys/fs/cgroup/$hierarchy"
    case $hierarchy in
    systemd) mount -t cgroup -o none,name=systemd cgroup "/sys/fs/cgroup/$hierarchy" ;;
    *) mount -t cgroup -o "$hierarchy" cgroup "/sys/fs/cgroup/$hierarchy" ;;
    esac
done
mount --make-rshared /
hostname "$name"
ip link set lo up
exec "$first"
