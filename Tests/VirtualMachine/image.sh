#!/bin/sh
# Builds the guest of the virtual-machine tests: a Debian bookworm root filesystem with systemd, its
# kernel, and an initramfs that mounts it. Prints the folder that holds vmlinuz, initrd.img and
# root.img, and nothing else.
#
#   Tests/VirtualMachine/image.sh
#
# The result is cached under .build-vm/ at the root of the repository, or under VIREO_VM_CACHE. The
# key is the hash of this script: what the guest is made of is decided here and nowhere else, so a
# change here, and only here, is a new guest. To get the newest packages of the same guest, delete
# the folder.
set -eu
umask 022
# Where mkfs.ext4 and depmod are; not every way to become root adds it.
PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "$0")" && pwd)
cache=${VIREO_VM_CACHE:-$(cd "$here/../.." && pwd)/.build-vm}
suite=bookworm
root_size=1G

# The shared libraries are what an agent needs to run, the rest is what a test needs to look inside.
packages=systemd,systemd-sysv,udev,dbus,kmod,qemu-guest-agent,procps,strace,iproute2
packages=$packages,libsystemd0,liburing2,libsimdjson14,libstdc++6,libyaml-0-2,libssl3

# In the order of their dependencies: the initramfs has no depmod database and inserts one by one.
modules="virtio/virtio_ring virtio/virtio virtio/virtio_pci_modern_dev
         virtio/virtio_pci_legacy_dev virtio/virtio_pci block/virtio_blk char/virtio_console"

# Nobody logs in, and a timer that wakes up in the middle of a measurement spoils it.
unwanted="serial-getty@ttyS0.service getty@tty1.service apt-daily.timer apt-daily-upgrade.timer
          dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
          systemd-tmpfiles-clean.timer"

say() { echo "image.sh: $*" >&2; }
die() { say "$*"; exit 1; }

check_tools() {
    missing=
    for pair in mmdebstrap:mmdebstrap mkfs.ext4:e2fsprogs cpio:cpio depmod:kmod \
        busybox:busybox-static flock:util-linux apt-get:apt dpkg-deb:dpkg gzip:gzip; do
        command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
    done
    test -z "$missing" || die "missing tools; install them with: apt-get install$missing"
    # A dynamic busybox finds no libc in the initramfs, and the kernel panics without saying why.
    ! ldd "$(command -v busybox)" >/dev/null 2>&1 ||
        die "busybox is dynamic; run: apt-get install busybox-static"
    test "$(id -u)" = 0 || die "must run as root, so that the guest's files belong to its root"
}

# The machine's own sources, so that a mirror or a proxy set up here is used. Only Debian's: a
# vendor's repository beside them has nothing that the guest needs.
debian_sources() {
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | grep " $suite" | sort -u
}

build_root() {
    debian_sources >"$work/sources.list"
    test -s "$work/sources.list" || die "apt knows no Debian $suite here; run apt-get update first"
    proxy=
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
        ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} --aptopt='Acquire::Languages "none"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook="chroot \"\$1\" systemctl --quiet mask $(echo $unwanted)" \
        "$suite" "$work/root" "$work/sources.list" >&2
    echo vireo-guest >"$work/root/etc/hostname"
    echo "127.0.0.1 localhost vireo-guest" >"$work/root/etc/hosts"
    # Empty means a new identity at each boot, as a cloned guest should have, but no "first boot",
    # which would reset what units are enabled.
    : >"$work/root/etc/machine-id"
}

add_kernel() {
    kernel=$(apt-cache depends linux-image-cloud-amd64 |
        sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
    test -n "$kernel" || die "apt does not know linux-image-cloud-amd64; run apt-get update first"
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$kernel" >&2)
    dpkg-deb -x "$work/$kernel"_*.deb "$work/kernel"
    release=${kernel#linux-image-}
    cp "$work/kernel/boot/vmlinuz-$release" "$work/image/vmlinuz"
    cp -a "$work/kernel/lib/modules" "$work/root/usr/lib/"
    depmod -b "$work/root" "$release"
}

# The harness appends a second archive with a folder /tree to this initramfs, and init copies it
# over the root. So files get into the guest without a mount and without a copy of the image, and
# the cached image is never written to.
build_initramfs() {
    mkdir -p "$work/initramfs/bin" "$work/initramfs/modules"
    cp "$(command -v busybox)" "$work/initramfs/bin/busybox"
    order=
    for module in $modules; do
        cp "$work/kernel/lib/modules/$release/kernel/drivers/$module.ko" "$work/initramfs/modules/"
        order="$order ${module##*/}"
    done
    cat >"$work/initramfs/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /dev /proc /sys /root
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in$order; do insmod /modules/\$module.ko; done
until test -b /dev/vda; do sleep 0.1; done
mount -t ext4 /dev/vda /root
if test -d /tree; then
    cp -a /tree/. /root/
    # Users and groups must exist before udev applies a rule that names them.
    chroot /root systemd-sysusers
fi
mount --move /dev /root/dev
mount --move /proc /root/proc
mount --move /sys /root/sys
exec switch_root /root /sbin/init
INIT
    chmod 755 "$work/initramfs/init"
    (cd "$work/initramfs" && find . | cpio --quiet -o -H newc -R 0:0 | gzip) \
        >"$work/image/initrd.img"
}

build() {
    check_tools
    say "building the guest, about half a minute; cached afterwards in $image"
    work=$cache/building
    rm -rf "$work"
    mkdir -p "$work/image"
    trap 'rm -rf "$work"' EXIT
    build_root
    add_kernel
    build_initramfs
    truncate --size="$root_size" "$work/image/root.img"
    mkfs.ext4 -q -d "$work/root" "$work/image/root.img"
    # The last step, and atomic: a folder with this name is always whole.
    mv "$work/image" "$image"
}

mkdir -p "$cache"
# The cache ignores itself, whatever it is called and wherever it lies.
echo '*' >"$cache/.gitignore"
key=$(sha256sum "$0" | cut -c 1-16)
image=$cache/image-$key
# Two runs that start together must not build into the same folder.
exec 9>"$cache/lock"
flock 9
test -d "$image" || build
echo "$image"
