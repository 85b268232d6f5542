#!/usr/bin/python3
"""An S3-compatible object store on loopback, for tests: moto's server on a free port, with a bucket.

    setup/s3_server.py                          prints the port on one line, serves until ended
    setup/s3_server.py -- COMMAND [ARG]...      serves while COMMAND runs, and exits as it does

COMMAND finds in its environment what GDAL needs to reach the server, GEOLOOM_TEST_S3=s3://BUCKET and
GEOLOOM_TEST_GS=gs://BUCKET.
With --env the first form prints these as `export` lines before the port.

Objects live in the server's memory. Requests must be signed, with any key: moto answers 403 when an
object that is not public is overwritten or read without a signature. Without COMMAND the server ends
when its parent does, so that a killed test leaves nothing behind.
"""
import argparse
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV_PYTHON = ROOT / ".setup" / "venv" / "bin" / "python"


def gdal_environment(port, bucket):
    return {
        "AWS_S3_ENDPOINT": f"127.0.0.1:{port}",
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_ACCESS_KEY_ID": "geoloom",
        "AWS_SECRET_ACCESS_KEY": "geoloom-test",
        "AWS_REGION": "us-east-1",
        # Another process may have written meanwhile; GDAL would remember what it saw before,
        # absent objects included.
        "CPL_VSIL_CURL_NON_CACHED": f"/vsis3/{bucket}:/vsigs/{bucket}",
        # A proxy for the outside world has no business on loopback.
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "GEOLOOM_TEST_S3": f"s3://{bucket}",
        # GDAL speaks Google's XML interface, which is that of S3 with other names of headers.
        "CPL_GS_ENDPOINT": f"http://127.0.0.1:{port}/",
        "GS_ACCESS_KEY_ID": "geoloom",
        "GS_SECRET_ACCESS_KEY": "geoloom-test",
        "GEOLOOM_TEST_GS": f"gs://{bucket}",
    }


def start(bucket, log_requests):
    import logging

    import boto3
    from moto.server import ThreadedMotoServer

    if not log_requests:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                 aws_access_key_id="geoloom", aws_secret_access_key="geoloom-test",
                 ).create_bucket(Bucket=bucket)
    return server, port


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bucket", default="geoloom-test", help="3 to 63 characters, as S3 wants it")
    parser.add_argument("--env", action="store_true", help="print export lines for a shell as well")
    parser.add_argument("--log", action="store_true", help="log each request to stderr")
    parser.add_argument("command", nargs="*", metavar="COMMAND")
    arguments = parser.parse_args()

    try:
        import moto  # noqa: F401
    except ImportError:
        if not VENV_PYTHON.exists() or pathlib.Path(sys.prefix) == VENV_PYTHON.parent.parent:
            sys.exit("s3_server: moto is missing; run setup/install.sh test")
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])

    os.environ.update({"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
    parent = os.getppid()
    server, port = start(arguments.bucket, arguments.log)
    environment = gdal_environment(port, arguments.bucket)
    if arguments.command:
        try:
            code = subprocess.run(arguments.command, env={**os.environ, **environment}).returncode
        finally:
            server.stop()
        sys.exit(code if code >= 0 else 128 - code)

    if arguments.env:
        for name, value in environment.items():
            print(f"export {name}={shlex.quote(value)}")
    print(port, flush=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    while not ended.is_set() and os.getppid() == parent:
        time.sleep(0.2)
    server.stop()


if __name__ == "__main__":
    main()
