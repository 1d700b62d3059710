import subprocess
import sys

SPY = """
import socket
asked = []
def refuse(host, *_, **__):
    asked.append(host)
    raise OSError("no network in this test")
socket.getaddrinfo = refuse

import rag.models.embedded
import openvino_genai
import threading
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(10)
print(asked)
"""


def test_nobody_is_told_when_openvino_is_imported() -> None:
    ran = subprocess.run([sys.executable, "-c", SPY], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
