"""A kernel's end of a connection with TCP MD5 signatures: signed.py listen|connect STACK KERNEL PORT KEY.

`listen` sends back what it gets. `connect` sends a megabyte, wants it back, and prints `same`.
"""
import os
import socket
import struct
import sys

TCP_MD5SIG = 14
SIZE = 1_000_000

mode, stack, kernel, port, key = sys.argv[1:]
family = socket.AF_INET6 if ':' in stack else socket.AF_INET
address = socket.inet_pton(family, stack)
# struct tcp_md5sig: sockaddr_storage, flags, prefix length, key length, interface, key
where = struct.pack('=HHI16s', family, 0, 0, address) if family == socket.AF_INET6 else struct.pack('=HH4s', family, 0, address)
signature = where.ljust(128, b'\0') + struct.pack('=BBHi80s', 0, 0, len(key), 0, key.encode())

end = socket.socket(family)
try:
    end.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, signature)
except OSError as error:
    print('unsupported', error, flush=True)
    sys.exit(0)

if mode == 'listen':
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    end.bind((kernel, int(port)))
    end.listen()
    print('listening', flush=True)
    connection, _ = end.accept()
    while True:
        data = connection.recv(65536)
        if not data:
            break
        connection.sendall(data)
    connection.close()
else:
    end.settimeout(20)
    end.connect((stack, int(port)))
    sent = os.urandom(SIZE)
    got = b''
    while len(got) < SIZE:
        if len(got) < len(sent):
            end.sendall(sent[len(got):len(got) + 65536])
        want = min(SIZE, len(got) + 65536)
        while len(got) < want:
            data = end.recv(want - len(got))
            if not data:
                sys.exit('the connection ended early')
            got += data
    end.shutdown(socket.SHUT_WR)
    if end.recv(1):
        sys.exit('more came than was sent')
    print('same' if got == sent else 'other bytes', flush=True)
