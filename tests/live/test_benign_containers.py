#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Container runtimes, and what runs in containers. The image is busybox, made on the spot."""
from benign import main, quiet

RUNC = {"runc": "runc", "busybox": "busybox-static"}
PODMAN = {"podman": "podman", "busybox": "busybox-static"}

ROOTFS = """
mkdir -p bundle/rootfs/bin bundle/rootfs/tmp bundle/rootfs/etc
cp "$(command -v busybox)" bundle/rootfs/bin/
for name in sh ls cat sleep true id wc ps mount tar; do ln -s busybox bundle/rootfs/bin/$name; done
"""
SPEC = """
(cd bundle && runc spec)
sed -i 's/"terminal": true/"terminal": false/; s/"readonly": true/"readonly": false/' bundle/config.json
runc="runc --root $T/state"
"""
ARGS = """sed -i 's|^\\t*"sh"$|"sh", "-c", "%s"|' bundle/config.json\n"""

quiet("runc", "runc that runs a container to its end", ROOTFS + SPEC +
      ARGS % "ls / \\| wc -l; id; cat /etc/x \\|\\| true; exec true" + """
$runc run -b bundle "benign-$$"
""", RUNC)

quiet("runc_exec", "runc with a container in the background and programs started in it", ROOTFS + SPEC +
      ARGS % "sleep 60" + """
name=benign-$$
$runc run -d -b bundle $name </dev/null >/dev/null 2>&1
$runc exec $name ls /
$runc exec $name sh -c 'ps | wc -l; echo x >/tmp/x; cat /tmp/x; cp /bin/busybox /tmp/b'
$runc exec -u 65534:65534 $name id
echo 'echo $0' | $runc exec $name sh
$runc list && $runc ps $name && $runc state $name
$runc kill $name KILL
until $runc delete $name; do :; done
""", RUNC)

quiet("runc_terminal", "a shell at a terminal in a container", ROOTFS + """
(cd bundle && runc spec)
runc --root "$T/state" run -b bundle "benign-$$"
""", RUNC, keys=b"ls /; ps; exit 0\n")

quiet("podman", "podman: an image imported, containers run, entered and removed", ROOTFS + """
podman="podman --root $T/store --runroot $T/run --tmpdir $T/tmp --storage-driver vfs
	--cgroup-manager cgroupfs --events-backend none"
run="$podman run --network=none --ulimit nofile=256:256 --ulimit nproc=256:256 --log-driver k8s-file"
tar -C bundle/rootfs -cf image.tar .
$podman import -q image.tar localhost/benign >/dev/null
$run --rm localhost/benign sh -c 'ls / | wc -l; id'
name=benign-$$
$run -d --name $name localhost/benign sleep 60
$podman exec $name sh -c 'ps; cat /etc/hostname'
$podman logs $name
$podman ps
$podman rm -f -t 0 $name
$podman rmi -f localhost/benign
""", PODMAN)

quiet("podman_build", "podman that builds an image", ROOTFS + """
podman="podman --root $T/store --runroot $T/run --tmpdir $T/tmp --storage-driver vfs
	--cgroup-manager cgroupfs --events-backend none"
cat >bundle/Containerfile <<'END'
FROM scratch
COPY rootfs /
RUN ls / | wc -l; echo '#!/bin/sh' >/bin/tool; echo 'id' >>/bin/tool; busybox chmod 755 /bin/tool; /bin/tool
END
$podman build -q --network=none -t localhost/built bundle
$podman rmi -f localhost/built
""", PODMAN)

quiet("tini", "tini as the first process of a namespace", """
unshare --pid --fork --mount-proc tini -- sh -c 'ls / | wc -l; sleep 0 & wait; exit 0'
""", {"tini": "tini", "unshare": "util-linux"})

quiet("user_namespace", "a namespace of its own for a build, as sandboxes make one", """
install -d -o nobody work && cd work
setpriv --reuid=nobody --regid=nogroup --clear-groups unshare --user --map-root-user --net --ipc \\
	sh -c 'id -u; ls / | wc -l; exec true'
""", {"unshare": "util-linux", "setpriv": "util-linux"})

if __name__ == "__main__":
    main()
