"""Messages of proto/ without generated files: protoc's descriptors, and classes made from them."""

import subprocess
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from support.places import ROOT


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    protos, carried = ROOT / "proto", ROOT / "third_party" / "googleapis"
    files = sorted(str(path.relative_to(base)) for base in (protos, carried)
                   for path in base.rglob("*.proto"))
    described = subprocess.run(
        ["protoc", "-I", protos, "-I", carried, "--include_imports",
         "--descriptor_set_out=/dev/stdout", *files],
        check=True, capture_output=True, timeout=60,
    ).stdout
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(described).file:
        pool.Add(file)
    return pool


@cache
def message(name: str) -> Any:
    """The class of a message, such as `tocsin.ledger.v1.Decision`."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


@cache
def method(service: str, name: str) -> tuple[str, Any, Any]:
    """Path, request class and response class; `service` is the short name or `ledger`."""
    full = f"tocsin.{service}.v1.{service.capitalize()}Service"
    found = _pool().FindServiceByName(full).FindMethodByName(name)
    return (f"/{full}/{name}", message(found.input_type.full_name),
            message(found.output_type.full_name))
