"""A server on 127.0.0.1 that answers as ENCODE, recount3, UCSC and GENCODE do, and misbehaves on demand."""
