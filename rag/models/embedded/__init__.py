"""Models that run on this machine with nothing else installed, by OpenVINO.

Importing OpenVINO tells Google Analytics so, unless its telemetry cannot be imported: then it uses
a stub of its own. This stands here because every module that imports OpenVINO is imported after it.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
