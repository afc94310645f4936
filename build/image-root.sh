#!/bin/sh
# Usage: image-root.sh FOLDER FILE...
# Fills FOLDER with what the image has beside the job: Node, a shell, the few programs that the documents run in there,
# the libraries of these and of each FILE, and what scanners know the Debian packages by from which they come. Nothing
# else of the base gets in: no package manager, no Perl, nothing that is set-uid.
set -eu
root=$1
shift

# docs/browse/compose.yaml needs rm, seq and sleep, docs/restore.md sleep.
programs=$(for name in node sh cat rm seq sleep; do command -v "$name"; done)
# What names the system and its users, and says where names are looked up. LICENSE is Node's.
texts='/etc/os-release /etc/debian_version /etc/passwd /etc/group /etc/nsswitch.conf /usr/local/LICENSE'

# Under the names that a program asks for.
libraries_of() {
  needed=$(ldd "$1")
  case $needed in *'not found'*) echo "$1 needs $needed" >&2 && exit 1 ;; esac
  echo "$needed" | sed -n -e 's|.* => \(/[^ ]*\) .*|\1|p' -e 's|^[[:space:]]*\(/[^ ]*\) .*|\1|p'
}

# Debian's database has a file where its package put it, which may be /lib where /lib is a link to /usr/lib.
package_of() {
  for path in "$1" "${1#/usr}"; do dpkg-query --search "$path" 2>/dev/null && return; done | sed 's|: /.*||'
}

# A link to a folder (/lib -> usr/lib) stays one; a file keeps its name, whatever it is a link to.
for link in /bin /lib /lib64 /sbin; do [ ! -L "$link" ] || cp --no-dereference "$link" "$root/"; done
libraries=$(for file in $programs "$@"; do libraries_of "$file"; done)
packages=
for file in $programs $libraries $texts; do
  [ -e "$file" ] || continue # one of the texts: not every base has them all
  folder=$(readlink -f "$(dirname "$file")")
  mkdir -p "$root$folder"
  cp --dereference "$file" "$root$folder/"
  package=$(package_of "$(readlink -f "$file")")
  case $package$file in /*.so*) echo "no Debian package has $file, and no scanner would know it" >&2 && exit 1 ;; esac
  packages="$packages $package"
done
mkdir -p "$root/var/lib/dpkg/status.d"
for package in $packages; do
  name=${package%:*}
  dpkg-query --status "$package" >"$root/var/lib/dpkg/status.d/$name"
  papers=/usr/share/doc/$name/copyright
  [ ! -e "$papers" ] || install -D --mode=0644 "$papers" "$root$papers"
done

# Node complains on stderr where there is no folder for the system's CA certificates.
mkdir -p "$root/dev" "$root/etc/ssl/certs" "$root/proc" "$root/run" "$root/sys"
[ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mkdir --mode=0700 "$root/root"
# Docker gives a new volume the mode of the folder that it lies on: whoever runs the container may write to one on /drill.
mkdir --mode=1777 "$root/drill" "$root/tmp" "$root/var/tmp"

# The command by its name, for kubectl exec.
printf '#!/bin/sh\nexec node --disable-sigusr1 /app/lib/main.js "$@"\n' >"$root/usr/local/bin/etcd-upkeep"
chmod 0755 "$root/usr/local/bin/etcd-upkeep"
