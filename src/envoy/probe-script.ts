import { ports } from '../pod/conventions.ts';
import { shortened } from './lua-text.ts';

/** Stands in the script for the port on which the kubelet asks. */
const askedPort = 'asked_port';

/**
 * Lua script that makes the result of an HTTP probe or hook what it would be without the proxy.
 *
 * The application gets the `Host` that the kubelet sends to its port. Redirects to the pod's own address are followed as
 * the kubelet follows them (kubernetes/pkg/probe/http, RedirectChecker, and Go's net/http and net/url): nine at most, to
 * any port, by HTTP or HTTPS, with the headers of the probe; a redirect elsewhere is the result. The kubelet itself could
 * not follow them: what they lead to is not on the status port, where everybody could ask for it.
 *
 * Any response ends a hook, so a hook that gets none must not look like one: its response is a redirect that leads
 * nowhere, which is an error for the kubelet and says why.
 *
 * In the script, `url` is the URL that the kubelet would ask, but without brackets around an IPv6 address, and `hook` the
 * reason of a hook without a response. `place` is host and port as a URL has them, `name` the `Host` that is sent. What Envoy
 * hands out is gone as soon as the script waits, so it is read before. A redirect to a port of the status listener, which would
 * run the script again and again, fails.
 */
const script = shortened(`local function parts(probe)
  local scheme,host,port,path=probe:get'url':match'(%a+)://([^/]*):(%d+)(.*)'
  return host:find':' and '['..host..']' or host,port,scheme,path
end
function envoy_on_request(h)
  local head,sent,host,port=h:headers(),{},parts(h:filterContext())
  if head:get':authority'==host..':'..${askedPort} then head:replace(':authority',host..':'..port) end
  for name,value in pairs(head) do sent[name]=sent[name] and sent[name]..','..value or value end
  h:streamInfo():dynamicMetadata():set('probe','sent',sent)
end
function envoy_on_response(h)
  local probe,head,sent=h:filterContext(),h:headers(),h:streamInfo():dynamicMetadata():get'probe'.sent
  local host,port,scheme,path=parts(probe)
  local status,to,hook,ms,name=head:get':status',head:get'location',probe:get'hook',probe:get'ms',sent[':authority']
  local place,count,answered,text,failure=host..':'..port,1,'x-envoy-upstream-service-time'
  head:remove'location'
  if not head:get(answered) then to,failure=nil,hook end
  while to and to~='' and status:find'^30[12378]$' do
    local other,rest=to:match'^(%a[%w+.-]*):(.*)'
    local wanted,query=(rest or to):gsub('#.*',''):match'^([^?]*)(.*)'
    local there=other and '' or place
    if wanted:find'^//[^/]' then
      there,wanted=wanted:match'^//([^/]*)(.*)'
      there=there:gsub('.*@','')
    elseif wanted=='' then
      wanted=path:match'[^?]*'
      if query=='' then query=path:sub(#wanted+1) end
    elseif wanted:find'^[^/]' then wanted=path:match'^[^?]*/'..wanted end
    local named,port=there:match'^(.*):([^%]]*)$'
    if (named or there)~=host then break end
    if other or name==place then name=there end
    scheme,place=(other or scheme):lower(),there
    port=(port or '')~='' and port or scheme=='https' and 443 or 80
    if count==10 or not scheme:find'^https?$' or ({[${askedPort}]=1,[${ports.health}]=1,[${ports.metrics}]=1})[tonumber(port)] then failure='redirected to '..to break end
    local segments={}
    for segment in (wanted:sub(2)..'/'):gmatch'([^/]*)/' do
      if segment=='..' then segments[#segments]=nil elseif segment~='.' then segments[#segments+1]=segment end
    end
    if wanted:find'/%.%.?$' then segments[#segments+1]='' end
    path=('/'..table.concat(segments,'/')..query):gsub('[^!#-;=?-Z[%]_a-z~]',function(letter) return ('%%%02X'):format(letter:byte()) end)
    h:body(true)
    sent[':authority'],sent[':path'],sent[':scheme'],sent['x-envoy-original-dst-host']=name,path,scheme,host..':'..port
    head,text=h:httpCall('probe.'..scheme,sent,'',ms)
    count,status,to,text,failure=count+1,head[':status'],head.location,text or '',not head[answered] and hook
  end
  if failure or text then
    head=h:headers()
    head:replace(':status',failure and (hook and '302' or '502') or status)
    if failure and hook then head:replace('location',':'..failure) end
    h:body(true):setBytes(failure or text)
  end
end`);

/** Returns the script for probes that the kubelet asks on a port. */
export function probeScript(statusPort: number): string {
  return script.replaceAll(askedPort, String(statusPort));
}
