// By way of this file a bundler keeps the one class and drops the library's client code, nine tenths of it.
export { KubeConfig } from '@kubernetes/client-node';
