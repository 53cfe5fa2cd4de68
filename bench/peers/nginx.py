# SPDX-License-Identifier: Apache-2.0
"""nginx as a reverse proxy: it decides nothing and records nothing, and so is the practical limit."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers.installing import command
from bench.peers.interface import Side, Sides
from bench.peers.processes import free_port, own_folder, running

_CONFIGURATION = """\
worker_processes 1; daemon off; pid nginx.pid; error_log error.log;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_buffer_size 1m; client_max_body_size 32m;
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_pass http://mock;
    }}
  }}
}}
"""


class Nginx:
    """One worker, with its connections to the upstream kept."""

    name = "nginx"
    version = ""

    def install(self) -> None:
        self._binary = command("nginx", "nginx-light")
        said = subprocess.run([self._binary, "-v"], capture_output=True, text=True, check=True).stderr
        self.version = said.strip().rpartition("/")[2]

    @contextmanager
    def running(self, upstream_port: int) -> Iterator[Sides]:
        port = free_port()
        with own_folder(self.name) as folder:
            configuration = folder / "nginx.conf"
            configuration.write_text(_CONFIGURATION.format(port=port, upstream=upstream_port))
            with running([self._binary, "-p", folder, "-c", configuration], port=port, folder=folder) as pid:
                yield Sides(matching=Side(name=self.name, port=port, pids={self.name: pid}))
