import test from "ava";
import { vsock } from "../testing/virtio-vsock.ts";
import { descriptorFlag, Driver, feature, placesOf } from "./testing/driver.ts";
import { patienceNs } from "./vsock.ts";

const [receive, transmit, event] = [0, 1, 2];
const needsReset = 0x40;
const [request, reset, readWrite] = [1, 3, 5];
const own = 3n;
const peer = 4n;
/** Data of one message. */
const pieceBytes = 2048 - 44;

interface Packet {
  readonly source?: bigint;
  readonly destination?: bigint;
  readonly operation?: number;
  readonly type?: number;
  readonly length?: number;
  readonly data?: Buffer;
}

function started(): Driver<unknown> {
  const driver = new Driver<unknown>(vsock as never, 64);
  driver.guest.board.channels.others.add(Number(peer));
  driver.start(3, feature.version1 | 1n);
  return driver;
}
function packet({
  source = own,
  destination = peer,
  operation = request,
  type = 1,
  data,
  length,
}: Packet): Buffer {
  const header = Buffer.alloc(44);
  header.writeBigUInt64LE(source, 0);
  header.writeBigUInt64LE(destination, 8);
  header.writeUInt32LE(1111, 16);
  header.writeUInt32LE(2222, 20);
  header.writeUInt32LE(length ?? data?.length ?? 0, 24);
  header.writeUInt16LE(type, 28);
  header.writeUInt16LE(operation, 30);
  header.writeUInt32LE(0x4_0000, 36);
  header.writeUInt32LE(77, 40);
  return Buffer.concat([header, data ?? Buffer.alloc(0)]);
}
/** Sends a packet as Linux does, its header apart; how many chains came back at once. */
function send(driver: Driver<unknown>, what: Packet): number {
  const bytes = packet(what);
  const { data } = placesOf(transmit);
  driver.memory.fill(data, bytes);
  const chain = [{ gpa: data, bytes: 44 }];
  if (bytes.length > 44) chain.push({ gpa: data + 44, bytes: bytes.length - 44 });
  return driver.request(transmit, chain).length;
}
function offerBuffers(driver: Driver<unknown>, count: number, bytes = 4096 + 44): void {
  const { descriptors, data } = placesOf(receive);
  for (let i = 0; i < count; i++) {
    driver.describe(descriptors, i, { gpa: data + 0x1100 * i, bytes }, descriptorFlag.write, 0);
    driver.offer(receive, i);
  }
  driver.notify(receive);
}
const settle = (driver: Driver<unknown>): void => {
  for (let i = 0; i < 40; i++) driver.guest.advance(1);
};
/** Packets that the driver has been given. */
const received = (driver: Driver<unknown>): Buffer[] =>
  driver
    .used(receive)
    .map(({ head, bytes }) => Buffer.from(driver.memory.at(placesOf(receive).data + 0x1100 * head, bytes)!));
const pulse = (driver: Driver<unknown>): void => {
  driver.guest.input("arrival", 0, true);
  driver.guest.input("arrival", 0, false);
};
/** A message as it goes over the channel: data, then the header. */
const message = (bytes: Buffer): number[] => [...bytes.subarray(44), ...bytes.subarray(0, 44)];
const sent = (driver: Driver<unknown>): Buffer[] =>
  driver.guest.board.channels.sent.map(({ bytes }) =>
    Buffer.from([...bytes.slice(bytes.length - 44), ...bytes.slice(0, bytes.length - 44)]),
  );
const waiting = (driver: Driver<unknown>): (readonly number[])[] => {
  const end = vsock.wires.find((w) => w.kind === "channel")!.ordinal;
  return driver.guest.board.channels.waiting(1 + end);
};

test("the guest learns its context identifier", (t) => {
  t.is(started().guest.readAt64("deviceConfiguration", 0), own);
});

test("a packet reaches the guest that it is for as it is, whatever its length, in pieces that fit", (t) => {
  const driver = started();
  t.is(send(driver, {}), 1);
  const data = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff));
  t.is(send(driver, { operation: readWrite, data }), 0);
  settle(driver);
  t.is(driver.used(transmit).length, 1);
  const [first, ...pieces] = sent(driver);
  t.deepEqual(first, packet({}));
  t.deepEqual(
    pieces,
    [0, 1, 2].map((i) =>
      packet({ operation: readWrite, data: data.subarray(i * pieceBytes, (i + 1) * pieceBytes) }),
    ),
  );
  t.true(driver.guest.board.channels.sent.every((m) => m.address === Number(peer)));
});

test("what comes waits for buffers, and is given as it was sent", (t) => {
  const driver = started();
  const packets = [1, 300, pieceBytes].map((n) =>
    packet({ source: peer, destination: own, operation: readWrite, data: Buffer.alloc(n, n) }),
  );
  waiting(driver).push(...packets.map(message));
  pulse(driver);
  t.deepEqual(received(driver), []);
  offerBuffers(driver, 2);
  settle(driver);
  t.deepEqual(received(driver), packets.slice(0, 2));
  t.is(waiting(driver).length, 1);
  offerBuffers(driver, 1);
  settle(driver);
  t.deepEqual(received(driver), packets.slice(2));
});

test("a packet for a guest that is not there, or for another type of socket, is answered with a reset", (t) => {
  const driver = started();
  offerBuffers(driver, 8);
  const wrong: Packet[] = [
    { destination: 2n },
    { destination: 9n },
    { destination: (1n << 32n) + peer },
    { type: 2 },
  ];
  for (const what of wrong) {
    t.is(send(driver, { ...what, operation: request }), 1);
    settle(driver);
    const [answer] = received(driver);
    t.is(answer?.length, 44);
    t.is(answer!.readBigUInt64LE(0), what.destination ?? peer);
    t.is(answer!.readBigUInt64LE(8), own);
    t.deepEqual([answer!.readUInt32LE(16), answer!.readUInt32LE(20)], [2222, 1111]);
    t.deepEqual([answer!.readUInt16LE(28), answer!.readUInt16LE(30)], [what.type ?? 1, reset]);
    t.is(send(driver, { ...what, operation: reset }), 1);
    settle(driver);
    t.deepEqual(received(driver), [], "a reset is not answered");
  }
  t.deepEqual(sent(driver), []);
});

test("answers wait for buffers, and packets for answers", (t) => {
  const driver = started();
  t.is(send(driver, { destination: 8n }), 1);
  t.is(send(driver, { destination: 9n }), 0);
  settle(driver);
  offerBuffers(driver, 2);
  settle(driver);
  t.is(driver.used(transmit).length, 1);
  t.deepEqual(
    received(driver).map((p) => p.readBigUInt64LE(0)),
    [8n, 9n],
  );
});

test("a driver whose peer has no room is held back and goes on when there is", (t) => {
  const driver = started();
  driver.guest.board.channels.room = 1;
  t.is(send(driver, { operation: readWrite, data: Buffer.alloc(100, 1) }), 1);
  t.is(send(driver, { operation: readWrite, data: Buffer.alloc(100, 2) }), 0);
  settle(driver);
  t.is(sent(driver).length, 1);
  driver.guest.board.channels.room = 2;
  pulse(driver);
  settle(driver);
  t.is(sent(driver).length, 2);
  t.is(driver.used(transmit).length, 1);
  t.is(driver.guest.deadline("patience"), undefined);
});

test("a peer that takes nothing loses its connection after a while, and others get through", (t) => {
  const driver = started();
  const { channels } = driver.guest.board;
  offerBuffers(driver, 4);
  channels.room = 0;
  t.is(send(driver, { operation: readWrite, data: Buffer.alloc(100, 1) }), 0);
  driver.guest.advance(patienceNs - 1n);
  t.deepEqual(driver.used(transmit), []);
  driver.guest.advance(1n);
  settle(driver);
  t.is(driver.used(transmit).length, 1);
  t.is(received(driver)[0]?.readUInt16LE(30), reset);
  channels.room = 16;
  t.is(send(driver, {}), 1);
  t.is(sent(driver).length, 1);
});

test("a packet from another's address, or longer than its chain, is told once and goes nowhere", (t) => {
  const driver = started();
  t.is(send(driver, { source: peer }), 1);
  t.is(send(driver, { length: 1, operation: readWrite }), 1);
  t.is(send(driver, { length: 0xffff_ffff, operation: readWrite, data: Buffer.alloc(10) }), 1);
  t.deepEqual(sent(driver), []);
  t.deepEqual(driver.guest.reported(), ["validPacket"]);
  t.is(driver.status, 15);
});

test("a chain without a header, and a buffer that is too short, make the device ask for a reset", (t) => {
  const short = started();
  short.request(transmit, [{ gpa: placesOf(transmit).data, bytes: 43 }]);
  t.is(short.status, 15 | needsReset);
  for (const bytes of [43, 99]) {
    const driver = started();
    waiting(driver).push(message(packet({ source: peer, destination: own, data: Buffer.alloc(56) })));
    offerBuffers(driver, 1, bytes);
    t.is(driver.status, 15 | needsReset);
  }
});

test("a guest that goes on elsewhere is told that its connections are no more", (t) => {
  const driver = started();
  driver.guest.resume();
  settle(driver);
  t.deepEqual(driver.used(event), []);
  const { descriptors, data } = placesOf(event);
  driver.memory.set(data, 4, 0xffff_ffff);
  driver.describe(descriptors, 0, { gpa: data, bytes: 4 }, descriptorFlag.write, 0);
  driver.offer(event, 0);
  driver.notify(event);
  t.deepEqual(driver.used(event), [{ head: 0, bytes: 4 }]);
  t.is(driver.memory.get(data, 4), 0n);
});

test("a driver that starts again begins with nothing under way", (t) => {
  const driver = started();
  driver.guest.board.channels.room = 0;
  send(driver, { operation: readWrite, data: Buffer.alloc(10) });
  driver.guest.writeAt("common", 0x14, 1, 0);
  driver.guest.board.channels.room = 16;
  pulse(driver);
  driver.guest.advance(2n * patienceNs);
  t.deepEqual(sent(driver), []);
  t.is(driver.status, 0);
});
