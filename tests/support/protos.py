"""Messages of proto/ without generated files: protoc's descriptors, and classes made from them."""

import subprocess
from functools import cache
from typing import Any

from google.protobuf import descriptor, descriptor_pb2, descriptor_pool, message_factory

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


def path_of(service: str, name: str) -> str:
    """Of a method that need not be there; `service` is the short name or `ledger`."""
    return f"/{_full_name(service)}/{name}"


@cache
def method(service: str, name: str) -> tuple[str, Any, Any]:
    """Path, request class and response class; `service` is the short name or `ledger`."""
    found = _service(service).FindMethodByName(name)
    return (path_of(service, name), message(found.input_type.full_name),
            message(found.output_type.full_name))


def services() -> dict[str, list[str]]:
    """The methods of each of our services, by short name."""
    found = {}
    for path in sorted((ROOT / "proto" / "tocsin").glob("*/v1/*_service.proto")):
        short = path.parent.parent.name
        found[short] = list(_service(short).methods_by_name)
    return found


def lists() -> list[tuple[str, str]]:
    """Every rpc that lists something: the service's short name, and the method."""
    return [(service, name) for service, names in services().items() for name in names
            if name.startswith("List")]


def method_rules(service: str, name: str) -> Any:
    """The option beside an rpc (proto/tocsin/rules/v1/rules.proto); None where it has none."""
    described = descriptor_pb2.MethodDescriptorProto()
    _service(service).FindMethodByName(name).CopyToProto(described)
    # Read with the pool's own class: only that knows the extension.
    options = message("google.protobuf.MethodOptions").FromString(
        described.options.SerializeToString())
    extension = _pool().FindExtensionByName("tocsin.rules.v1.method")
    return options.Extensions[extension] if options.HasExtension(extension) else None


def enum_name(enum: str, number: int) -> str:
    return str(_pool().FindEnumTypeByName(enum).values_by_number[number].name)


def _full_name(service: str) -> str:
    return f"tocsin.{service}.v1.{service.capitalize()}Service"


def _service(short: str) -> descriptor.ServiceDescriptor:
    return _pool().FindServiceByName(_full_name(short))
