"""The process that imported the package, so that one that was forked from it knows that it was."""

import os

FIRST_PID = os.getpid()
