import { createEllipticAuthority } from '../../../src/certs/elliptic-certificate.ts';
import type { CaStore } from '../../../src/certs/stores.ts';
import { rootAuthority, type MeshAuthority } from '../../../src/mesh/identity/mesh-authority.ts';
import { openRoot, rotateAnnotation, type RootKeeper } from '../../../src/mesh/identity/root-keeper.ts';
import { trustedRoots, type RootPolicy, type RootState } from '../../../src/mesh/identity/root-rotation.ts';
import { createStoredSecret } from './stored-secret.ts';

export const hourMs = 60 * 60 * 1000;

/** A proxy with what it holds. */
interface Proxy {
  /** Index of its replica; undefined while it is away. */
  replica: number | undefined;
  /** Whether it has been away since it was last given something. */
  isStale: boolean;
  leaf: { readonly anchor: string; readonly signer: string; readonly notBeforeMs: number; readonly notAfterMs: number };
  roots: readonly string[];
}

interface Replica {
  keeper: RootKeeper | undefined;
  /** By how much its clock is ahead. */
  offsetMs: number;
  /** Whether it reaches neither the API server nor its peers. */
  isCutOff: boolean;
}

export type Action =
  | { readonly type: 'look' | 'crash' | 'cut-off' | 'heal'; readonly replica: number }
  | { readonly type: 'clock'; readonly replica: number; readonly hours: number }
  | { readonly type: 'sync' | 'leave'; readonly proxy: number }
  | { readonly type: 'join'; readonly proxy: number; readonly replica: number }
  | { readonly type: 'pass'; readonly hours: number }
  | { readonly type: 'ask' };

/** Replicas of the control plane that share a Secret, and proxies, without connections. */
export class RootModel {
  readonly secret = createStoredSecret({}, () => new Date(this.nowMs));
  readonly given = createStoredSecret({}, () => new Date(this.nowMs));
  readonly replicas: Replica[] = [];
  readonly proxies: Proxy[] = [];
  nowMs = Date.parse('2026-06-01T12:00:00Z');
  /** How long some replica has been cut off. */
  private cutOffMs = 0;
  private asked = 0;
  private readonly policy: RootPolicy;

  private constructor(policy: RootPolicy) {
    this.policy = policy;
  }

  static async open(policy: RootPolicy, replicas: number, proxies: number): Promise<RootModel> {
    const model = new RootModel(policy);
    for (let index = 0; index < replicas; index += 1) {
      model.replicas.push({ keeper: undefined, offsetMs: 0, isCutOff: false });
      await model.keeperOf(index);
    }
    for (let index = 0; index < proxies; index += 1) {
      const proxy: Proxy = {
        replica: index % replicas,
        isStale: false,
        leaf: { anchor: '', signer: '', notBeforeMs: 0, notAfterMs: 0 },
        roots: [],
      };
      model.proxies.push(proxy);
      await model.sync(proxy);
    }
    return model;
  }

  /** The keeper of a replica, started if it has crashed. */
  async keeperOf(index: number): Promise<RootKeeper | undefined> {
    const replica = this.replicas[index] as Replica;
    if (replica.keeper === undefined && !replica.isCutOff) {
      const clock = (): Date => new Date(this.nowMs + replica.offsetMs);
      const cutOff = <T>(call: () => Promise<T>): Promise<T> =>
        replica.isCutOff ? Promise.reject(new Error('the API server is away')) : call();
      const storeOf = ({ store }: { readonly store: CaStore }): CaStore => ({
        read: () => cutOff(() => store.read()),
        fill: (data, version) => cutOff(() => store.fill(data, version)),
      });
      replica.keeper = await openRoot({
        store: storeOf(this.secret),
        secret: 'root',
        given: storeOf(this.given),
        givenSecret: 'given',
        clock,
        steadyMs: () => this.nowMs,
        policy: this.policy,
        create: (now) =>
          rootAuthority(createEllipticAuthority({ name: 'mesh', now, lifetimeMs: this.policy.lifetimeMs })),
        answers: () => Promise.resolve(this.answersFor(index)),
        onState: () => undefined,
      });
    }
    return replica.keeper;
  }

  private holds({ leaf, roots }: Proxy, state: RootState): boolean {
    return leaf.signer === state.current.certificate && trustedRoots(state).every((root) => roots.includes(root));
  }

  private answersFor(index: number) {
    const own = this.replicas[index]?.keeper?.state();
    const answers = { proxies: 0, holding: 0, silentReplicas: 0 };
    for (const [other, { keeper, isCutOff }] of this.replicas.entries()) {
      const mine = this.proxies.filter(({ replica }) => replica === other);
      if (keeper === undefined || own === undefined || (isCutOff && other !== index)) answers.silentReplicas += 1;
      else {
        const isSame = trustedRoots(keeper.state()).join('') === trustedRoots(own).join('');
        const isSigner = keeper.state().current.certificate === own.current.certificate;
        answers.proxies += mine.length;
        answers.holding += isSame && isSigner ? mine.filter((one) => this.holds(one, own)).length : 0;
      }
    }
    return answers;
  }

  /** Gives a proxy what its replica has for it. */
  private async sync(proxy: Proxy): Promise<void> {
    if (proxy.replica === undefined) return;
    const keeper = await this.keeperOf(proxy.replica);
    if (keeper === undefined) return;
    const state = keeper.state();
    proxy.roots = trustedRoots(state);
    if (proxy.leaf.signer !== state.current.certificate) this.renew(proxy, keeper);
    proxy.isStale = false;
  }

  private renew(proxy: Proxy, keeper: RootKeeper): void {
    const { current } = keeper.state();
    const { earliestMs, latestMs } = keeper.times();
    const life = Math.min(24 * hourMs + Math.min(latestMs - earliestMs, 24 * hourMs), current.notAfterMs - earliestMs);
    proxy.leaf = {
      anchor: current.anchor,
      signer: current.certificate,
      notBeforeMs: earliestMs - 5 * 60_000,
      notAfterMs: earliestMs + life,
    };
  }

  async do(action: Action): Promise<void> {
    const replica = 'replica' in action ? (this.replicas[action.replica] as Replica) : undefined;
    const proxy = 'proxy' in action ? (this.proxies[action.proxy] as Proxy) : undefined;
    switch (action.type) {
      case 'look':
        return (await this.keeperOf(action.replica))?.look();
      case 'crash':
        for (const one of this.proxies) if (one.replica === action.replica) this.leave(one);
        if (replica !== undefined) replica.keeper = undefined;
        return;
      case 'cut-off':
      case 'heal':
        if (replica !== undefined) replica.isCutOff = action.type === 'cut-off';
        return;
      case 'clock':
        if (replica !== undefined) replica.offsetMs = action.hours * hourMs;
        return;
      case 'sync':
        return proxy && this.sync(proxy);
      case 'leave':
        return proxy && this.leave(proxy);
      case 'join':
        if (proxy !== undefined && (await this.keeperOf(action.replica)) !== undefined) proxy.replica = action.replica;
        return;
      case 'ask':
        this.asked += 1;
        this.secret.annotate({ [rotateAnnotation]: `request ${this.asked}` });
        return;
      case 'pass':
        return this.pass(action.hours);
    }
  }

  private leave(proxy: Proxy): void {
    if (proxy.replica !== undefined) proxy.isStale = true;
    proxy.replica = undefined;
  }

  /** Lets hours pass. Whoever is connected has its answer by then, and a new certificate at half of the life of its own. */
  private async pass(hours: number): Promise<void> {
    for (let hour = 0; hour < hours; hour += 1) {
      this.nowMs += hourMs;
      if (this.replicas.some(({ isCutOff }) => isCutOff)) this.cutOffMs += hourMs;
      // More than that loses what its proxies have: nobody can tell them.
      if (this.cutOffMs >= 20 * hourMs) this.healAll();
      for (const index of this.replicas.keys()) await this.do({ type: 'look', replica: index });
      for (const proxy of this.proxies) {
        if (proxy.replica === undefined) continue;
        await this.sync(proxy);
        const { notBeforeMs, notAfterMs } = proxy.leaf;
        const keeper = this.replicas[proxy.replica]?.keeper;
        if (keeper === undefined) continue;
        const at = keeper.times().earliestMs;
        if (at < notBeforeMs || at >= (notBeforeMs + notAfterMs) / 2) this.renew(proxy, keeper);
      }
    }
  }

  healAll(): void {
    for (const replica of this.replicas) replica.isCutOff = false;
    this.cutOffMs = 0;
  }

  /** Pairs of proxies that do not verify each other, though both have a certificate that is valid. */
  strangers(isCounted: (proxy: Proxy) => boolean): readonly string[] {
    const valid = this.proxies.filter(
      (one) => isCounted(one) && one.leaf.notBeforeMs <= this.nowMs && this.nowMs < one.leaf.notAfterMs,
    );
    return valid.flatMap((one) =>
      valid.flatMap((other) =>
        other.roots.includes(one.leaf.anchor)
          ? []
          : [`proxy ${this.proxies.indexOf(other)} does not know the root of proxy ${this.proxies.indexOf(one)}`],
      ),
    );
  }

  states(): readonly (RootState | undefined)[] {
    return this.replicas.map(({ keeper }) => keeper?.state());
  }

  /** Values of the given Secret for an authority whose root is itself. */
  give(authority: MeshAuthority | undefined): void {
    this.given.put(
      authority === undefined ? {} : { 'tls.crt': authority.certificate, 'tls.key': authority.privateKey },
    );
  }
}
