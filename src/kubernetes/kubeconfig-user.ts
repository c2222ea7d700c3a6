import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { isObject, member, objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { ApiError, messageOf } from './api-error.ts';

/** What the client library leaves out of a user without a word. */
export interface KubeconfigUser {
  /** File with the token, which counts more than a token in the kubeconfig (client-go's rule). */
  readonly tokenFile?: string;
}

/** Fields of a user that would change who is asking, and that are not sent. */
const notSent = ['as-groups', 'as-uid', 'as-user-extra'];

async function readUser(file: string, name: string): Promise<JsonObject | undefined> {
  let config: unknown;
  try {
    config = parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new ApiError('credentials', `cannot use kubeconfig '${file}': ${messageOf(error)}`, { cause: error });
  }
  if (!isObject(config)) return undefined;
  const found = objectsMember(config, 'users').find((one) => stringMember(one, 'name') === name);
  return found === undefined ? undefined : (objectMember(found, 'user') ?? {});
}

/**
 * Reads what else kubeconfig files, read as one, say of a user. Rejects with an `ApiError` if that cannot be done; a request
 * would otherwise be that of another user.
 */
export async function readKubeconfigUser(files: readonly string[], name: string): Promise<KubeconfigUser> {
  for (const file of files) {
    const user = await readUser(file, name);
    if (user === undefined) continue;
    const refused = notSent.find((field) => member(user, field) !== undefined);
    if (refused !== undefined) {
      throw new ApiError(
        'credentials',
        `cannot use kubeconfig '${file}': its user '${name}' has ${refused}, which is not supported; use one without it`,
      );
    }
    const tokenFile = stringMember(user, 'tokenFile') ?? '';
    return tokenFile === '' ? {} : { tokenFile: path.resolve(path.dirname(file), tokenFile) };
  }
  return {};
}
