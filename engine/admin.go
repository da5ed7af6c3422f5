package engine

import (
	"fmt"
	"slices"

	"todoku/trade"
)

// mayAdminister refuses users who have none of the roles. The venue itself, which has
// no user, may do everything.
func (d *draft) mayAdminister(from *trade.Actor, roles trade.Role) error {
	if from.User == "" {
		return nil
	}
	user, err := d.user(from.User)
	if err != nil {
		return err
	}
	switch {
	case roles == 0:
		return trade.Refuse(trade.ReasonNotPermitted, "", "only the venue itself does this")
	case !user.Roles.Has(roles):
		return trade.Refuse(trade.ReasonNotPermitted, "", "")
	}
	return nil
}

func (d *draft) upsertInstrument(c *trade.UpsertInstrument) error {
	if err := c.Instrument.Validate(); err != nil {
		return err
	}
	if m := d.state.instruments[c.Instrument.Symbol]; m != nil && m.working > 0 && (m.instrument.TickSize != c.Instrument.TickSize ||
		m.instrument.LotSize != c.Instrument.LotSize) {
		return trade.Refuse(trade.ReasonOrdersRest, "instrument.tick_size",
			fmt.Sprintf("%d orders work; tick and lot can change when none does", m.working))
	}
	d.add(&trade.InstrumentChanged{Instrument: d.anchored(c.Instrument)})
	return nil
}

// anchored notes since when the reference price of an instrument counts.
func (d *draft) anchored(i trade.Instrument) trade.Instrument {
	i.ReferenceAfter = 0
	m := d.state.instruments[i.Symbol]
	switch {
	case m == nil:
	case m.instrument.ReferencePrice == i.ReferencePrice:
		i.ReferenceAfter = m.instrument.ReferenceAfter
	case i.ReferencePrice != 0:
		i.ReferenceAfter = d.state.lastTrade
	}
	return i
}

func (d *draft) setTradingStatus(c *trade.SetTradingStatus) error {
	m := d.state.instruments[c.Symbol]
	if m == nil {
		return trade.Refuse(trade.ReasonUnknownInstrument, "symbol", "")
	}
	changed := m.instrument
	changed.Status, changed.StatusReason = c.Status, c.Text
	if err := changed.Validate(); err != nil {
		return err
	}
	d.add(&trade.InstrumentChanged{Instrument: changed})
	return nil
}

func (d *draft) upsertUser(c *trade.UpsertUser) error {
	u := c.NewUser
	old := d.state.users[u.ID]
	switch {
	case c.Create && old != nil:
		return trade.Refuse(trade.ReasonAlreadyExists, "user", "")
	case !c.Create && old == nil:
		return trade.Refuse(trade.ReasonUnknownUser, "user", "")
	}
	if err := checkUser(&u); err != nil {
		return err
	}
	u.Accounts = slices.Clone(u.Accounts)
	u.Online, u.Since = false, d.now
	if old != nil {
		u.Online, u.Since = old.Online, old.Since
	}
	d.add(&trade.UserChanged{User: u})
	if u.Suspended && (old == nil || !old.Suspended) {
		d.silence(u.ID)
	}
	return nil
}

// silence cancels the working orders that a suspended user entered, also for accounts that
// were the user's before.
func (d *draft) silence(user trade.UserID) {
	var entered []*order
	for _, o := range d.state.orders {
		if o.User == user {
			entered = append(entered, o)
		}
	}
	for _, o := range sortedByID(entered) {
		d.cancel(o, "", trade.ReasonUserSuspended)
	}
}

func checkUser(u *trade.User) error {
	if err := u.ID.Validate(); err != nil {
		return trade.Refuse(trade.ReasonBadName, "user", err.Error())
	}
	const longestName, mostAccounts = 100, 100
	if err := trade.ValidateText(u.DisplayName); err != nil || u.DisplayName == "" || len(u.DisplayName) > longestName {
		return trade.Refuse(trade.ReasonBadText, "display_name", fmt.Sprintf("1 to %d bytes without control characters", longestName))
	}
	if u.Roles == 0 || u.Roles&^trade.RoleAll != 0 {
		return trade.Refuse(trade.ReasonBadEnum, "roles", "choose TRADER, VIEWER, RISK or ADMIN")
	}
	if len(u.Accounts) == 0 || len(u.Accounts) > mostAccounts {
		return trade.Refuse(trade.ReasonBadName, "accounts", fmt.Sprintf("name 1 to %d", mostAccounts))
	}
	seen := map[trade.AccountID]bool{}
	for _, a := range u.Accounts {
		if err := a.Validate(); err != nil {
			return trade.Refuse(trade.ReasonBadName, "accounts", err.Error())
		}
		if seen[a] {
			return trade.Refuse(trade.ReasonBadName, "accounts", "named twice")
		}
		seen[a] = true
	}
	return nil
}

func (d *draft) setLimits(c *trade.SetLimits) error {
	if !d.accountExists(c.Target) {
		return trade.Refuse(trade.ReasonUnknownAccount, "limits.account", "")
	}
	l := &c.Limits
	switch {
	case l.MaxOrderQuantity < 0:
		return trade.Refuse(trade.ReasonBadQuantity, "limits.max_order_quantity", "not negative")
	case l.MaxOrderNotional.Sign() < 0:
		return trade.Refuse(trade.ReasonBadNumber, "limits.max_order_notional", "not negative")
	case l.Band > wholeBasisPoints:
		return trade.Refuse(trade.ReasonBadNumber, "limits.price_band_basis_points", "at most 10,000")
	}
	d.add(&trade.LimitsChanged{Account: c.Target, Limits: c.Limits})
	return nil
}

// accountExists says whether any user trades for an account.
func (d *draft) accountExists(id trade.AccountID) bool {
	for _, u := range d.state.users {
		if u.Owns(id) {
			return true
		}
	}
	return false
}

func (d *draft) announce(c *trade.Announce) error {
	if err := trade.ValidateText(c.Text); err != nil || c.Text == "" {
		return trade.Refuse(trade.ReasonBadText, "text", fmt.Sprintf("1 to %d bytes without control characters", trade.MaxText))
	}
	for _, u := range c.To {
		if d.state.users[u] == nil {
			return trade.Refuse(trade.ReasonUnknownUser, "users", "")
		}
	}
	e := &trade.Announced{Text: c.Text, To: c.To}
	if user := d.state.users[c.User]; user != nil {
		e.From = user.DisplayName
	}
	d.add(e)
	return nil
}

// setPresence is no event when nothing changes.
func (d *draft) setPresence(c *trade.SetPresence) error {
	u := d.state.users[c.Subject]
	if u == nil {
		return trade.Refuse(trade.ReasonUnknownUser, "user", "")
	}
	if u.Online != c.Online {
		d.add(&trade.PresenceChanged{User: u.ID, DisplayName: u.DisplayName, Online: c.Online})
	}
	return nil
}

func (d *draft) configureVenue(c *trade.ConfigureVenue) error {
	const secondsPerDay = 24 * 60 * 60
	if c.Venue.DayEnd >= secondsPerDay {
		return trade.Refuse(trade.ReasonBadNumber, "day_end", "seconds after midnight UTC, below 86,400")
	}
	if d.state.venue != c.Venue || d.state.sequence == 0 {
		d.add(&trade.VenueChanged{Venue: c.Venue})
	}
	return nil
}
