import { ports } from '../pod/conventions.ts';

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
 * In the script, `c` is what it knows of the probe, `u` and `n` are the present and the next URL (`name` as written in
 * the URL, `own` if it is absolute), `s` are the headers that are sent. It is short because every pod stores it. A
 * redirect to a port of the status listener would run it again and again.
 */
export const probeScript = `local function at(u) return (u.host:find':' and '['..u.host..']' or u.host)..':'..u.port end
local function resolve(u,to)
local scheme,rest=to:match'^(%a[%w+.-]*):(.*)'
local path,query=(rest or to):gsub('#.*',''):match'^([^?]*)(.*)'
local n={scheme=(scheme or u.scheme):lower(),host=scheme and '' or u.host,port=u.port,name=u.name,own=scheme}
if path:find'^//[^/]' then
n.name,path=path:match'^//([^/]*)(.*)'
n.name=n.name:gsub('.*@','')
n.host,n.port=n.name:match'^%[(.*)%]:?(.*)'
if not n.host then n.host,n.port=n.name:match'([^:]*):?(.*)' end
if n.port=='' then n.port=n.scheme=='https' and '443' or '80' end
elseif path=='' then
path=u.path:match'[^?]*'
if query=='' then query=u.path:sub(#path+1) end
elseif path:find'^[^/]' then path=u.path:match'^[^?]*/'..path end
local p={}
for part in (path:sub(2)..'/'):gmatch'([^/]*)/' do
if part=='..' then p[#p]=nil elseif part~='.' then p[#p+1]=part end
end
if path:find'/%.%.?$' then p[#p+1]='' end
n.path=('/'..table.concat(p,'/')..query):gsub('[^!#-;=?-Z[%]_a-z~]',function(x) return ('%%%02X'):format(x:byte()) end)
return n
end
function envoy_on_request(h)
local c,r,s=h:filterContext():get'probe',h:headers(),{}
if r:get':authority'==at{host=c.host,port=c.status} then r:replace(':authority',at(c)) end
for k,v in pairs(r) do s[k]=s[k] and s[k]..','..v or v end
h:streamInfo():dynamicMetadata():set('probe','sent',s)
end
function envoy_on_response(h)
local c,r,s=h:filterContext():get'probe',h:headers(),h:streamInfo():dynamicMetadata():get'probe'.sent
local status,to,u,name,count,failure,text=r:get':status',r:get'location',c,s[':authority'],1
r:remove'location'
if not r:get'x-envoy-upstream-service-time' then to,failure=nil,c.hook and 'no response' end
u.name=at(u)
while to and to~='' and ('301 302 303 307 308'):find(status,1,true) do
local n=resolve(u,to)
if n.host~=c.host then break end
if count==10 or not n.scheme:find'^https?$' or n.port==c.status or n.port=='${ports.health}' or n.port=='${ports.metrics}' then failure='redirected to '..to break end
h:body(true)
if n.own or name==u.name then name=n.name end
s[':authority'],s[':path'],s[':scheme'],s['x-envoy-original-dst-host']=name,n.path,n.scheme,at(n)
r,text=h:httpCall('probe.'..n.scheme,s,'',c.timeout)
if c.hook and not r['x-envoy-upstream-service-time'] then failure='no response' break end
u,count,status,to,text=n,count+1,r[':status'],r.location,text or ''
end
r=h:headers()
if failure and c.hook then
r:replace(':status','302')
r:replace('location',':'..failure)
elseif failure or text then
r:replace(':status',failure and '502' or status)
h:body(true):setBytes(failure or text)
end
end
`;
