"""A client that knows the contracts only: opens a case over gRPC, reads it back, and reads its events from NATS.

The stubs are made from the .proto files with grpcio-tools. Ends with 1 and says why when something is not as the
contracts say.
"""

import argparse
import asyncio
import os
import pathlib
import sys
import time
import uuid

import grpc
import nats
from grpc_tools import protoc

FORM = {
    "customer_name": "示例客户",
    "phone": "13900005678",
    "model": "示例车型",
    "plate": "沪B67890",
    "content": "保养后仍有异响",
    "customer_check": "unknown",
    "source": "call_centre",
    "category": "repair_quality",
}


def uuid7():
    """Request ids are UUIDv7, made by the caller."""
    raw = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))


def make_stubs(protos, stubs):
    well_known = pathlib.Path(protoc.__file__).parent / "_proto"
    files = sorted(str(path.relative_to(protos)) for path in protos.glob("hotline/**/*.proto"))
    flags = [f"-I{protos}", f"-I{well_known}", f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    if protoc.main(["protoc", *flags, *files]) != 0:
        sys.exit("the stubs cannot be made")
    sys.path.insert(0, str(stubs))


def complain(arguments):
    from hotline.intake.v1 import intake_pb2 as intake
    from hotline.intake.v1 import intake_pb2_grpc as service

    token = [("authorization", f"Bearer {os.environ['HOTLINE_TOKEN']}")]
    with grpc.insecure_channel(arguments.intake) as channel:
        desk = service.IntakeServiceStub(channel)
        who = intake.IdentifyRequest(
            request_id=uuid7(), phone=FORM["phone"], name=FORM["customer_name"], plate=FORM["plate"]
        )
        customer = desk.Identify(who, metadata=token, timeout=30)
        opening = intake.OpenTicketRequest(
            request_id=uuid7(),
            customer_id=customer.customer_id,
            asset_id=customer.asset_id,
            playbook="dealer-group",
            case_type="complaint",
            branch=arguments.branch,
            channel="phone",
            form=FORM,
        )
        opened = desk.OpenTicket(opening, metadata=token, timeout=30)
        again = desk.OpenTicket(opening, metadata=token, timeout=30)
        expect(opened == again, "a repeated request is answered as the first time")
        shown = desk.GetTicket(intake.GetTicketRequest(number=opened.number), metadata=token, timeout=30).ticket
        expect(shown.ref.ticket_id == opened.ticket_id, "the case is found by its number")
        expect((shown.state, shown.category) == ("open", "repair_quality"), f"it is open: {shown.state}")
        try:
            desk.GetTicket(intake.GetTicketRequest(number=opened.number), timeout=30)
            sys.exit("a case was shown without a token")
        except grpc.RpcError as error:
            expect(error.code() == grpc.StatusCode.UNAUTHENTICATED, f"without a token: {error.code()}")
        print(f"opened and read back {opened.number}")
        return opened


async def listen(arguments, opened):
    from hotline.dispatch.v1 import events_pb2 as dispatch
    from hotline.intake.v1 import events_pb2 as intake

    wanted = {
        "hotline.intake.v1.TicketOpened": intake.TicketOpened,
        "hotline.dispatch.v1.WorkDispatched": dispatch.WorkDispatched,
    }
    connection = await nats.connect(arguments.nats)
    consumer = await connection.jetstream().subscribe("hotline.event.>", stream="HOTLINE_EVENTS", ordered_consumer=True)
    until = time.monotonic() + 60
    while wanted:
        message = await consumer.next_msg(timeout=max(0.1, until - time.monotonic()))
        kind = message.headers.get("ce-type")
        if kind not in wanted:
            continue
        event = wanted[kind].FromString(message.data)
        if event.ticket.ticket_id == opened.ticket_id:
            check_headers(message)
            expect(event.ticket.number == opened.number, "the event names the case")
            expect(FORM["plate"].encode() not in message.data, "no personal data in events")
            print(f"heard {kind} as {message.headers['ce-sequence']}")
            del wanted[kind]
    await connection.close()


def check_headers(message):
    """CloudEvents in binary mode."""
    for name in ("ce-id", "ce-type", "ce-source", "ce-time", "ce-specversion", "ce-sequence", "content-type"):
        expect(message.headers.get(name), f"{name} is set on {message.subject}")
    expect(message.headers["ce-specversion"] == "1.0", "CloudEvents 1.0")
    expect(message.headers["content-type"] == "application/protobuf", "the body is protobuf")


def expect(truth, what):
    if not truth:
        sys.exit(f"not as it should be: {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protos", type=pathlib.Path, required=True)
    parser.add_argument("--stubs", type=pathlib.Path, required=True)
    parser.add_argument("--intake", required=True)
    parser.add_argument("--nats", required=True)
    parser.add_argument("--branch", required=True)
    arguments = parser.parse_args()
    make_stubs(arguments.protos, arguments.stubs)
    asyncio.run(listen(arguments, complain(arguments)))


if __name__ == "__main__":
    main()
