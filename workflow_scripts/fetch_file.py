"""Download one file, verified; a URL as its MD5 is that of a published list, in which it is looked up."""

from pathlib import Path
from urllib.parse import urlsplit

from rnatracks.config import is_url
from rnatracks.content import Kind
from rnatracks.fetch import fetch, published_md5
from rnatracks.jobs import open_log
from rnatracks.web import Patience, Web

open_log(snakemake.log[0])
remote = snakemake.params.remote
md5 = remote["md5"]
if md5 and is_url(md5):
    with Web(Patience()) as web:
        md5 = published_md5(web.text(md5), Path(urlsplit(remote["url"]).path).name, md5)
fetch(remote["url"], Path(snakemake.output[0]), md5, size=remote["size"], kind=Kind(remote["kind"]))
