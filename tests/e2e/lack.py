#!/usr/bin/env python3
"""lack.py FAMILY ERRNO PROGRAM...: runs it where no stream socket of that family can be had.

As on a host that has run out of descriptors or memory.  A filter of seccomp answers
socket(2), so that it holds for any build, that of the checkers included.
"""

import ctypes
import errno
import os
import socket
import sys

ALLOW = 0x7fff0000  # as in <seccomp.h>
ERRNO = 0x00050000
EQUAL, MASKED_EQUAL = 4, 7
KIND = 0xf  # of socket(2)'s second argument; above it are flags


class Compare(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operation", ctypes.c_int),
                ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)]


def main(family, name, *program):
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ALLOW))
    rules = (Compare * 2)(Compare(0, EQUAL, getattr(socket, family), 0),
                          Compare(1, MASKED_EQUAL, KIND, socket.SOCK_STREAM))
    call = library.seccomp_syscall_resolve_name(b"socket")
    action = ctypes.c_uint32(ERRNO | getattr(errno, name))
    if library.seccomp_rule_add_array(context, action, call, 2, rules) or library.seccomp_load(context):
        sys.exit("lack.py: no filter")
    os.execv(program[0], program)


if __name__ == "__main__":
    main(*sys.argv[1:])
