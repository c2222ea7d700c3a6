import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import type { AgentCalls } from './agent.ts';

const asTheyAre = (bytes: Buffer): Buffer => bytes;

/** A call by the library that applications use. */
export const callGrpc: AgentCalls['callGrpc'] = ({ address, path }) =>
  new Promise((resolve) => {
    const client = new Client(address, credentials.createInsecure(), { 'grpc.enable_retries': 0 });
    const finish = (error: ServiceError | null): void => {
      client.close();
      resolve({
        code: error?.code ?? 0,
        details: error?.details ?? '',
        retryAfter: error?.metadata.get('retry-after').map(String) ?? [],
      });
    };
    client.makeUnaryRequest(path, asTheyAre, asTheyAre, Buffer.alloc(0), { deadline: Date.now() + 10_000 }, finish);
  });
