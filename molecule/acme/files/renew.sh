#!/bin/sh
# renew.sh SITE: leaves a host to its own timers, which get fast; then has an installation fail, and succeed later.
set -eu
live=/etc/letsencrypt/live/port443-$1
served() {
    openssl s_client -connect 127.0.0.1:443 -servername "$1" </dev/null 2>/dev/null | openssl x509
}
issued() {
    openssl x509 -in "$live/cert.pem"
}
until_true() { # WHAT COMMAND...: within 40 seconds
    what=$1 tries=80
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "in vain: $what" >&2 && systemctl status certbot port443-renewal >&2; exit 1; }
        sleep 0.5
    done
}
other_is_served() { [ "$(served "$site")" != "$first" ]; }
other_is_issued() { [ "$(issued)" != "$second" ]; }
newest_is_served() { [ "$(served "$site")" = "$(issued)" ]; }
is_idle() { [ "$(systemctl show --property ActiveState --value certbot.service)" != activating ]; }
ours_failed() { journalctl --quiet --unit port443-renewal.service --no-pager | grep --quiet "$site: .*nonsense"; }
site=$1

echo 'certbot renews, and its hook installs'
sed -i '1i renew_before_expiry = 30 days' "/etc/letsencrypt/renewal/port443-$site.conf"
for timer in certbot port443-renewal; do
    mkdir -p "/run/systemd/system/$timer.timer.d"
    printf '[Timer]\nOnCalendar=\nOnCalendar=*:*:0/3\nRandomizedDelaySec=0\nAccuracySec=1\n' \
        >"/run/systemd/system/$timer.timer.d/fast.conf"
done
# Up to certbot 1.12 Debian's service waits for minutes before it begins.
mkdir -p /run/systemd/system/certbot.service.d
printf '[Service]\nExecStart=\nExecStart=certbot -q renew --no-random-sleep-on-renew\n' \
    >/run/systemd/system/certbot.service.d/fast.conf
systemctl stop port443-renewal.timer
systemctl daemon-reload
first=$(served "$site")
systemctl restart certbot.timer
until_true 'another certificate is served' other_is_served
systemctl stop certbot.timer
until_true 'certbot has ended' is_idle
newest_is_served

echo 'certbot renews, and its hook fails'
echo 'nonsense;' >/etc/nginx/conf.d/broken.conf
served=$(served "$site") second=$(issued)
systemctl start certbot.timer
until_true 'another certificate is issued' other_is_issued
systemctl stop certbot.timer
until_true 'certbot has ended' is_idle
[ "$(served "$site")" = "$served" ]
if newest_is_served; then echo 'the newest certificate is served, though its installation should have failed' >&2 && exit 1; fi
grep --quiet "$site: .*nonsense" /var/log/letsencrypt/letsencrypt.log* # a quiet certbot tells the journal nothing

echo 'our timer tries again, in vain, until the file is mended'
systemctl start port443-renewal.timer
until_true 'our timer has failed' ours_failed
[ "$(served "$site")" = "$served" ]
rm /etc/nginx/conf.d/broken.conf
until_true 'the newest certificate is served' newest_is_served

# What the CA issues is due from its first minute, so a clock that rings in the middle of the second run would renew, and that
# run rightly have something to install. reissue.yml gives the clocks their own times back.
rm -r /run/systemd/system/certbot.service.d
for timer in certbot port443-renewal; do
    printf '[Timer]\nOnCalendar=\nOnCalendar=2100-01-01\nPersistent=false\n' >"/run/systemd/system/$timer.timer.d/fast.conf"
done
systemctl daemon-reload
systemctl restart certbot.timer port443-renewal.timer
systemctl reset-failed
