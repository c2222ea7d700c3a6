import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Kind, ResourceName } from '../../../src/mesh/resources/kinds.ts';
import { createAcknowledgements, type ConnectedProxy } from '../../../src/mesh/serve/acknowledgements.ts';

const cart: ResourceName = ['cluster', 'outbound|80||cart'];
const shelf = { namesOf: (service: string): Iterable<ResourceName> => (service === 'shop/cart' ? [cart] : []) };

/** A client whose proxy holds a version of the cluster. */
class Client {
  held = '1';
  /** What it may get. */
  newest = '1';
  isKnown = false;
  looks = 0;
  readonly proxy: ConnectedProxy = {
    pod: 'shop/web',
    proxy: {
      holds: (_: Kind, name: string) => {
        this.looks += 1;
        return name === cart[1] ? this.held : undefined;
      },
      owes: () => false,
    },
    shelves: () => [shelf],
    newest: () => this.newest,
    hasAllNewest: () => this.isKnown,
    layer: { names: () => [] },
    isAtRest: () => true,
  };
}

let nowMs: number;
let client: Client;
let connected: Set<ConnectedProxy>;

/** Returns a function that says whether the clients of a pod have what is new for them now. */
function awaitClients(pod: string): () => boolean {
  const services = (key: string): readonly string[] => (key === 'shop/cart-0' ? ['shop/cart'] : []);
  return createAcknowledgements(
    connected,
    services,
    () => 0,
    () => nowMs,
  ).clients()(pod);
}

beforeEach(() => {
  nowMs = 5_000;
  client = new Client();
  connected = new Set([client.proxy]);
});

describe('the clients of a pod', () => {
  test('have been told a second after the last of them has acknowledged', () => {
    const haveBeenTold = awaitClients('shop/cart-0');
    client.newest = '2';
    expect(haveBeenTold()).toBe(false);
    nowMs += 60_000;
    expect(haveBeenTold()).toBe(false);
    client.held = '2';
    expect(haveBeenTold()).toBe(false);
    nowMs += 999;
    expect(haveBeenTold()).toBe(false);
    nowMs += 1;
    expect(haveBeenTold()).toBe(true);
  });

  test('count for their own Services', () => {
    client.newest = '2';
    const haveBeenTold = awaitClients('shop/orders-0');
    haveBeenTold();
    nowMs += 1_000;
    expect(haveBeenTold()).toBe(true);
    expect(client.looks).toBe(0);
  });

  test('do not count when they have left', () => {
    const haveBeenTold = awaitClients('shop/cart-0');
    client.newest = '2';
    haveBeenTold();
    connected.delete(client.proxy);
    haveBeenTold();
    nowMs += 1_000;
    expect(haveBeenTold()).toBe(true);
  });

  test('are not looked at one name after the other if they are known to hold what is newest', () => {
    client.isKnown = true;
    const haveBeenTold = awaitClients('shop/cart-0');
    haveBeenTold();
    nowMs += 1_000;
    expect(haveBeenTold()).toBe(true);
    expect(client.looks).toBe(0);
  });
});
