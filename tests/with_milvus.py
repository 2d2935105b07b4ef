"""Run a command beside a new Milvus server; its address is in MILVUS_FOR_TESTS:  with_milvus.py COMMAND ..."""

import os
import subprocess
import sys
import tempfile

from milvus import MilvusServer, MilvusServerConfig


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="vitrine-milvus-") as data:
        server = MilvusServer(MilvusServerConfig())
        server.set_base_dir(data)
        server.start()
        try:
            environ = {**os.environ, "MILVUS_FOR_TESTS": f"milvus+http://127.0.0.1:{server.listen_port}"}
            return subprocess.run(sys.argv[1:], env=environ, check=False).returncode
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
