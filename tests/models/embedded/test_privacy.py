import subprocess
import sys

SPY = """
import os, socket
def refuse(host, *_, **__):
    os.write(1, f"asked for {host}".encode())  # a child process may be the one that asks
    raise OSError("no network in this test")
socket.getaddrinfo = refuse
import rag.doctor
import openvino_genai
import psutil
psutil.wait_procs(psutil.Process().children(recursive=True), timeout=10)
"""


def test_nobody_is_told_when_openvino_is_imported() -> None:
    ran = subprocess.run([sys.executable, "-c", SPY], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
