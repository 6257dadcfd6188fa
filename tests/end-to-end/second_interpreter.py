"""Moto's interpreter of the Amazon States Language as a server.

It runs state machines by itself and sends their task calls to the emulator at MOTO_PORT.
"""

import sys

from moto.core.config import default_user_config
from moto.server import main

default_user_config["stepfunctions"] = {"execute_state_machine": True}
default_user_config["lambda"] = {"use_docker": False}
main(sys.argv[1:])
