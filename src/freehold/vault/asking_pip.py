# SPDX-License-Identifier: Apache-2.0
"""A script for the interpreter whose pip is meant: says where 'pip download ARGUMENTS' would look. Contacts nobody.

pip itself reads its files, its environment and the arguments here, so that what is said is what it will do. One JSON
object goes to standard output: ``urls``, ``implied`` (a host, and those to which it sends for files) and ``proxy``.
"""

import json
import sys

from pip._internal.commands import create_command
from pip._internal.models.index import PyPI


def main() -> None:
    options, _ = create_command("download").parse_args(sys.argv[1:])
    indexes = [] if options.no_index else [options.index_url, *options.extra_index_urls]
    places = [*indexes, *options.find_links, *options.constraints]
    urls = [place for place in places if place.lower().startswith(("http://", "https://"))]
    implied = {PyPI.netloc: [PyPI.file_storage_domain]}
    sys.stdout.write(json.dumps({"urls": urls, "implied": implied, "proxy": options.proxy or ""}))


if __name__ == "__main__":
    main()
