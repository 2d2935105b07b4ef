"""Run a command beside a new Milvus server:  with_milvus.py COMMAND ...

MILVUS_FOR_TESTS has the server's address, MILVUS_DATA_FOR_TESTS the folder that it writes to.
"""

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
            address = f"milvus+http://127.0.0.1:{server.listen_port}"
            environ = {**os.environ, "MILVUS_FOR_TESTS": address, "MILVUS_DATA_FOR_TESTS": os.path.join(data, "data")}
            return subprocess.run(sys.argv[1:], env=environ, check=False).returncode
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
