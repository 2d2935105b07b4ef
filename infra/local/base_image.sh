#!/usr/bin/env bash
# A Lambda-shaped image out of this machine's own Python, under the name that `sam local` looks for; no registry needed.
#   base_image.sh PYTHON SAM_PYTHON       PYTHON: the runtime's interpreter; SAM_PYTHON: the one that has aws-sam-cli
# Real: SAM, its Runtime Interface Emulator, awslambdaric, dockerd. Not real: the operating system below the function.
set -euo pipefail
python=$1 sam_python=$2
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
libs=/usr/lib/x86_64-linux-gnu
mkdir -p "$root"/{bin,usr/bin,usr/local/bin,lib64,tmp,etc/ssl/certs,var/lang,var/task,var/runtime,opt/python,$libs}

prefix=$("$python" -c 'import sys; print(sys.base_prefix)')
(cd "$prefix" && tar cf - --exclude='*/test' --exclude=__pycache__ --exclude='*/site-packages/*' --exclude='*/dist-packages/*' \
  --exclude='*.a' "bin/python$version" "lib/python$version" $(ls -d lib/libpython"$version"*.so* 2>/dev/null || true)) | tar xf - -C "$root/var/lang"
for tool in sh bash mv chmod cp rm cat ls mkdir env; do
  cp -L "$(command -v $tool)" "$root/usr/bin/"
  ln -sf ../usr/bin/$tool "$root/bin/$tool"
done
# Every library that anything above is linked to, at the path where the loader looks.
for file in "$root"/usr/bin/* "$root/var/lang/bin/python$version" $(find "$root/var/lang/lib" -name '*.so') $libs/libstdc++.so.6; do
  ldd "$file" 2>/dev/null | grep -oE '/[^ ]+' || true
done | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -nL "$library" "$root$library" || true
done
for library in libgcc_s.so.1 libstdc++.so.6 libnss_files.so.2 libnss_dns.so.2 libresolv.so.2 libpthread.so.0 librt.so.1 \
  libdl.so.2 libutil.so.1 libm.so.6; do
  cp -nL "$libs/$library" "$root$libs/" 2>/dev/null || true
done
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
echo root:x:0: >"$root/etc/group"

"$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
  --target "$root/var/runtime" awslambdaric
rapid=$("$sam_python" -c 'import pathlib, samcli; print(pathlib.Path(samcli.__file__).parent / "local/rapid/aws-lambda-rie-x86_64")')
cp "$rapid" "$root/usr/local/bin/aws-lambda-rie"
cat >"$root/var/runtime/bootstrap" <<SH
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python$version PYTHONPATH=/var/task:/opt/python:/var/runtime
exec /var/lang/bin/python$version -m awslambdaric "\$_HANDLER"
SH
cat >"$root/lambda-entrypoint.sh" <<'SH'
#!/bin/sh
export _HANDLER="$1"
[ -n "$AWS_LAMBDA_RUNTIME_API" ] && exec /var/runtime/bootstrap
exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
SH
chmod +x "$root/var/runtime/bootstrap" "$root/lambda-entrypoint.sh"

name=$("$sam_python" -c 'from samcli.local.docker.lambda_image import LambdaImage; print(LambdaImage._INVOKE_REPO_PREFIX)')/python:$version
tar -C "$root" -c . | docker import -c 'ENV LANG=C.UTF-8' -c 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin' \
  -c 'ENV LAMBDA_TASK_ROOT=/var/task' -c 'ENV LAMBDA_RUNTIME_DIR=/var/runtime' -c "ENV PYTHONPATH=/opt/python:/var/runtime" \
  -c 'WORKDIR /var/task' -c 'ENTRYPOINT ["/lambda-entrypoint.sh"]' - "$name-x86_64" >/dev/null
docker tag "$name-x86_64" "$name"
