// The admin page, for the venue's staff. Users with the role RISK see the parts that they may use.
import './admin.css';
import type { ComponentType } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { Tabs } from '../../ui/Tabs';
import { AnnounceTab } from './AnnounceTab';
import { AuditTab } from './AuditTab';
import { ConnectionsTab } from './ConnectionsTab';
import { InstrumentsTab } from './InstrumentsTab';
import { LimitsTab } from './LimitsTab';
import { mayDo } from './rights';
import { admin, type Tab, tabs } from './slice';
import { TradesTab } from './TradesTab';
import { UsersTab } from './UsersTab';
import { VenueTab } from './VenueTab';
import { endedWords } from './words';

const views: Record<Tab, ComponentType> = {
  instruments: InstrumentsTab,
  users: UsersTab,
  limits: LimitsTab,
  connections: ConnectionsTab,
  announce: AnnounceTab,
  trades: TradesTab,
  audit: AuditTab,
  venue: VenueTab,
};

export default function AdminPage() {
  const t = useT();
  const dispatch = useAppDispatch();
  const roles = useAppSelector((s) => s.session.user?.roles);
  const tab = useAppSelector((s) => s.admin.tab);
  const last = useAppSelector((s) => s.admin.ended[0]);
  // RISK does not see a part in which it may do nothing.
  const mine = tabs.filter((id) => (id === 'announce' ? mayDo(roles, 'announce') : id === 'trades' ? mayDo(roles, 'bust') : true));
  const chosen = mine.includes(tab) ? tab : 'instruments';
  const View = views[chosen];
  return (
    <main className="admin" aria-label={t('admin.title')}>
      <Tabs label={t('admin.title')} tabs={mine.map((id) => ({ id, title: t(`admin.tab.${id}`) }))} chosen={chosen} onChoose={(id) => dispatch(admin.choseTab(id))}>
        <View />
      </Tabs>
      <p role="status" className="ended" data-state={last?.state}>
        {last ? endedWords(t, last) : ''}
      </p>
    </main>
  );
}
